// dense_weight_gradient_software.wgsl: dw = xᵀ · dy, db = 1ᵀ · dy, for software adapters
//   x: [m, k], dy: [m, n] -> dw: [k, n], db: [n], row-major f32. BIAS 0: db is one unused element.
//   There, workgroup memory and barriers cost more than they save, and every load costs as much as
//   several sums. So nothing is shared: an invocation makes 16 rows × 8 columns of dw in named
//   sums, 8 invocations side by side. Past the edges, rows and columns repeat the last one and are
//   not stored. Accumulates over m in order: error ≤ (m + 1) ULP of Σ|x||dy|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> db: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override BIAS: u32 = 0u;

const WORKGROUP = 8u;
const ROWS = 16u;
const COLUMNS = 8u;

fn store(p: u32, first: u32, left: vec4f, right: vec4f) {
  if (p < params.k) {
    for (var c = 0u; c < 4u; c++) {
      store_one(p, first + c, left[c]);
      store_one(p, first + 4u + c, right[c]);
    }
  }
}

fn store_one(p: u32, j: u32, sum: f32) {
  if (j < params.n) {
    dw[p * params.n + j] = sum;
  }
}

fn store_bias(j: u32, sum: f32) {
  if (j < params.n) {
    db[j] = sum;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (params.n - 1u) / (WORKGROUP * COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * WORKGROUP + lane) * COLUMNS;
  if (row >= params.k || column >= params.n) {
    return;
  }

  // Where each row of x and column of dy begins; a step along m adds k to x and n to dy.
  let last_row = params.k - 1u;
  let last_column = params.n - 1u;
  let r0 = row;
  let r1 = min(row + 1u, last_row);
  let r2 = min(row + 2u, last_row);
  let r3 = min(row + 3u, last_row);
  let r4 = min(row + 4u, last_row);
  let r5 = min(row + 5u, last_row);
  let r6 = min(row + 6u, last_row);
  let r7 = min(row + 7u, last_row);
  let r8 = min(row + 8u, last_row);
  let r9 = min(row + 9u, last_row);
  let r10 = min(row + 10u, last_row);
  let r11 = min(row + 11u, last_row);
  let r12 = min(row + 12u, last_row);
  let r13 = min(row + 13u, last_row);
  let r14 = min(row + 14u, last_row);
  let r15 = min(row + 15u, last_row);
  let c0 = column;
  let c1 = min(column + 1u, last_column);
  let c2 = min(column + 2u, last_column);
  let c3 = min(column + 3u, last_column);
  let c4 = min(column + 4u, last_column);
  let c5 = min(column + 5u, last_column);
  let c6 = min(column + 6u, last_column);
  let c7 = min(column + 7u, last_column);

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
  for (var i = 0u; i < params.m; i++) {
    let x_at = i * params.k;
    let dy_at = i * params.n;
    let left = vec4f(dy[dy_at + c0], dy[dy_at + c1], dy[dy_at + c2], dy[dy_at + c3]);
    let right = vec4f(dy[dy_at + c4], dy[dy_at + c5], dy[dy_at + c6], dy[dy_at + c7]);
    let x0 = x[x_at + r0];
    let x1 = x[x_at + r1];
    let x2 = x[x_at + r2];
    let x3 = x[x_at + r3];
    let x4 = x[x_at + r4];
    let x5 = x[x_at + r5];
    let x6 = x[x_at + r6];
    let x7 = x[x_at + r7];
    let x8 = x[x_at + r8];
    let x9 = x[x_at + r9];
    let x10 = x[x_at + r10];
    let x11 = x[x_at + r11];
    let x12 = x[x_at + r12];
    let x13 = x[x_at + r13];
    let x14 = x[x_at + r14];
    let x15 = x[x_at + r15];
    left0 += x0 * left;
    right0 += x0 * right;
    left1 += x1 * left;
    right1 += x1 * right;
    left2 += x2 * left;
    right2 += x2 * right;
    left3 += x3 * left;
    right3 += x3 * right;
    left4 += x4 * left;
    right4 += x4 * right;
    left5 += x5 * left;
    right5 += x5 * right;
    left6 += x6 * left;
    right6 += x6 * right;
    left7 += x7 * left;
    right7 += x7 * right;
    left8 += x8 * left;
    right8 += x8 * right;
    left9 += x9 * left;
    right9 += x9 * right;
    left10 += x10 * left;
    right10 += x10 * right;
    left11 += x11 * left;
    right11 += x11 * right;
    left12 += x12 * left;
    right12 += x12 * right;
    left13 += x13 * left;
    right13 += x13 * right;
    left14 += x14 * left;
    right14 += x14 * right;
    left15 += x15 * left;
    right15 += x15 * right;
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

  // The invocations of the first rows also add up their columns of dy.
  if (BIAS == 1u && row == 0u) {
    var left_bias = vec4f();
    var right_bias = vec4f();
    for (var i = 0u; i < params.m; i++) {
      let dy_at = i * params.n;
      left_bias += vec4f(dy[dy_at + c0], dy[dy_at + c1], dy[dy_at + c2], dy[dy_at + c3]);
      right_bias += vec4f(dy[dy_at + c4], dy[dy_at + c5], dy[dy_at + c6], dy[dy_at + c7]);
    }
    for (var c = 0u; c < 4u; c++) {
      store_bias(column + c, left_bias[c]);
      store_bias(column + 4u + c, right_bias[c]);
    }
  }
}
