// dense_input_gradient_software.wgsl: dx = (dy · wᵀ) ⊙ [y > 0], for software adapters
//   dy: [m, n], w: [k, n], y: [m, k] -> dx: [m, k], row-major f32.
//   MASK 0: no factor [y > 0], and y is one unused element.
//   There, workgroup memory and barriers cost more than they save, and every load costs as much as
//   several sums. So nothing is shared: an invocation makes 16 rows × 8 columns of dx in named
//   sums, 8 invocations side by side. Past the edges, rows and columns repeat the last one and are
//   not stored. Accumulates over n in order: error ≤ (n + 1) ULP of Σ|dy||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override MASK: u32 = 0u;

const WORKGROUP = 8u;
const ROWS = 16u;
const COLUMNS = 8u;

fn store(i: u32, first: u32, left: vec4f, right: vec4f) {
  if (i < params.m) {
    for (var c = 0u; c < 4u; c++) {
      store_one(i, first + c, left[c]);
      store_one(i, first + 4u + c, right[c]);
    }
  }
}

fn store_one(i: u32, p: u32, sum: f32) {
  if (p < params.k) {
    let at = i * params.k + p;
    var value = sum;
    if (MASK == 1u) {
      value = select(0.0, value, y[at] > 0.0);
    }
    dx[at] = value;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (params.k - 1u) / (WORKGROUP * COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * WORKGROUP + lane) * COLUMNS;
  if (row >= params.m || column >= params.k) {
    return;
  }

  // Where each row of dy and column of w begins; a step along n adds 1.
  let last_row = params.m - 1u;
  let last_column = params.k - 1u;
  let r0 = row * params.n;
  let r1 = min(row + 1u, last_row) * params.n;
  let r2 = min(row + 2u, last_row) * params.n;
  let r3 = min(row + 3u, last_row) * params.n;
  let r4 = min(row + 4u, last_row) * params.n;
  let r5 = min(row + 5u, last_row) * params.n;
  let r6 = min(row + 6u, last_row) * params.n;
  let r7 = min(row + 7u, last_row) * params.n;
  let r8 = min(row + 8u, last_row) * params.n;
  let r9 = min(row + 9u, last_row) * params.n;
  let r10 = min(row + 10u, last_row) * params.n;
  let r11 = min(row + 11u, last_row) * params.n;
  let r12 = min(row + 12u, last_row) * params.n;
  let r13 = min(row + 13u, last_row) * params.n;
  let r14 = min(row + 14u, last_row) * params.n;
  let r15 = min(row + 15u, last_row) * params.n;
  let c0 = column * params.n;
  let c1 = min(column + 1u, last_column) * params.n;
  let c2 = min(column + 2u, last_column) * params.n;
  let c3 = min(column + 3u, last_column) * params.n;
  let c4 = min(column + 4u, last_column) * params.n;
  let c5 = min(column + 5u, last_column) * params.n;
  let c6 = min(column + 6u, last_column) * params.n;
  let c7 = min(column + 7u, last_column) * params.n;

  var left0 = vec4f();
  var right0 = vec4f();
  var left1 = vec4f();
  var right1 = vec4f();
  var left2 = vec4f();
  var right2 = vec4f();
  var left3 = vec4f();
  var right3 = vec4f();
  var left4 = vec4f();
  var right4 = vec4f();
  var left5 = vec4f();
  var right5 = vec4f();
  var left6 = vec4f();
  var right6 = vec4f();
  var left7 = vec4f();
  var right7 = vec4f();
  var left8 = vec4f();
  var right8 = vec4f();
  var left9 = vec4f();
  var right9 = vec4f();
  var left10 = vec4f();
  var right10 = vec4f();
  var left11 = vec4f();
  var right11 = vec4f();
  var left12 = vec4f();
  var right12 = vec4f();
  var left13 = vec4f();
  var right13 = vec4f();
  var left14 = vec4f();
  var right14 = vec4f();
  var left15 = vec4f();
  var right15 = vec4f();
  for (var j = 0u; j < params.n; j++) {
    let left = vec4f(w[j + c0], w[j + c1], w[j + c2], w[j + c3]);
    let right = vec4f(w[j + c4], w[j + c5], w[j + c6], w[j + c7]);
    let dy0 = dy[j + r0];
    let dy1 = dy[j + r1];
    let dy2 = dy[j + r2];
    let dy3 = dy[j + r3];
    let dy4 = dy[j + r4];
    let dy5 = dy[j + r5];
    let dy6 = dy[j + r6];
    let dy7 = dy[j + r7];
    let dy8 = dy[j + r8];
    let dy9 = dy[j + r9];
    let dy10 = dy[j + r10];
    let dy11 = dy[j + r11];
    let dy12 = dy[j + r12];
    let dy13 = dy[j + r13];
    let dy14 = dy[j + r14];
    let dy15 = dy[j + r15];
    left0 += dy0 * left;
    right0 += dy0 * right;
    left1 += dy1 * left;
    right1 += dy1 * right;
    left2 += dy2 * left;
    right2 += dy2 * right;
    left3 += dy3 * left;
    right3 += dy3 * right;
    left4 += dy4 * left;
    right4 += dy4 * right;
    left5 += dy5 * left;
    right5 += dy5 * right;
    left6 += dy6 * left;
    right6 += dy6 * right;
    left7 += dy7 * left;
    right7 += dy7 * right;
    left8 += dy8 * left;
    right8 += dy8 * right;
    left9 += dy9 * left;
    right9 += dy9 * right;
    left10 += dy10 * left;
    right10 += dy10 * right;
    left11 += dy11 * left;
    right11 += dy11 * right;
    left12 += dy12 * left;
    right12 += dy12 * right;
    left13 += dy13 * left;
    right13 += dy13 * right;
    left14 += dy14 * left;
    right14 += dy14 * right;
    left15 += dy15 * left;
    right15 += dy15 * right;
  }

  store(row, column, left0, right0);
  store(row + 1u, column, left1, right1);
  store(row + 2u, column, left2, right2);
  store(row + 3u, column, left3, right3);
  store(row + 4u, column, left4, right4);
  store(row + 5u, column, left5, right5);
  store(row + 6u, column, left6, right6);
  store(row + 7u, column, left7, right7);
  store(row + 8u, column, left8, right8);
  store(row + 9u, column, left9, right9);
  store(row + 10u, column, left10, right10);
  store(row + 11u, column, left11, right11);
  store(row + 12u, column, left12, right12);
  store(row + 13u, column, left13, right13);
  store(row + 14u, column, left14, right14);
  store(row + 15u, column, left15, right15);
}
