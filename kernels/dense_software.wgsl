// dense_software.wgsl: y = act(x · w + b), for software adapters
//   x: [m, k], w: [k, n], b: [n] -> y: [m, n], row-major f32.
//   ACT: 0 none, 1 ReLU. USE_BIAS 0: b is one unused element.
//   There, workgroup memory and barriers cost more than they save, and every load costs as much as
//   several sums. So nothing is shared: an invocation makes 16 rows × 8 columns of y in named sums,
//   8 invocations side by side. Past the edges, rows and columns repeat the last one and are not
//   stored. Accumulates over k in order: error ≤ (k + 1) ULP of Σ|x||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override ACT: u32 = 0u;
override USE_BIAS: u32 = 1u;

const WORKGROUP = 8u;
const ROWS = 16u;
const COLUMNS = 8u;

// By its bits: a negative NaN stays, which max(v, 0) need not do.
fn relu(v: f32) -> f32 {
  let bits = bitcast<u32>(v);
  return select(v, 0.0, bits >= 0x80000000u && bits <= 0xff800000u);
}

// Of four rows and four columns; a column of the matrix is a row of the product.
fn products(rows: vec4f, columns: vec4f) -> mat4x4f {
  return mat4x4f(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

fn store(row: u32, column: u32, sums: mat4x4f) {
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      store_one(row + r, column + c, sums[r][c]);
    }
  }
}

fn store_one(i: u32, j: u32, sum: f32) {
  if (i < params.m && j < params.n) {
    var value = sum;
    if (USE_BIAS == 1u) {
      value += b[j];
    }
    if (ACT == 1u) {
      value = relu(value);
    }
    y[i * params.n + j] = value;
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
  if (row >= params.m || column >= params.n) {
    return;
  }

  // Where each row of x and column of w begins; a step along k adds 1 to x and n to w.
  let four = vec4u(0u, 1u, 2u, 3u);
  let rows0 = min(four + row, vec4u(params.m - 1u)) * params.k;
  let rows4 = min(four + row + 4u, vec4u(params.m - 1u)) * params.k;
  let rows8 = min(four + row + 8u, vec4u(params.m - 1u)) * params.k;
  let rows12 = min(four + row + 12u, vec4u(params.m - 1u)) * params.k;
  let left = min(four + column, vec4u(params.n - 1u));
  let right = min(four + column + 4u, vec4u(params.n - 1u));

  var left0 = mat4x4f();
  var right0 = mat4x4f();
  var left4 = mat4x4f();
  var right4 = mat4x4f();
  var left8 = mat4x4f();
  var right8 = mat4x4f();
  var left12 = mat4x4f();
  var right12 = mat4x4f();
  for (var p = 0u; p < params.k; p++) {
    let w_at = p * params.n;
    let l = vec4f(w[w_at + left.x], w[w_at + left.y], w[w_at + left.z], w[w_at + left.w]);
    let r = vec4f(w[w_at + right.x], w[w_at + right.y], w[w_at + right.z], w[w_at + right.w]);
    let x0 = vec4f(x[p + rows0.x], x[p + rows0.y], x[p + rows0.z], x[p + rows0.w]);
    let x4 = vec4f(x[p + rows4.x], x[p + rows4.y], x[p + rows4.z], x[p + rows4.w]);
    let x8 = vec4f(x[p + rows8.x], x[p + rows8.y], x[p + rows8.z], x[p + rows8.w]);
    let x12 = vec4f(x[p + rows12.x], x[p + rows12.y], x[p + rows12.z], x[p + rows12.w]);
    left0 += products(x0, l);
    right0 += products(x0, r);
    left4 += products(x4, l);
    right4 += products(x4, r);
    left8 += products(x8, l);
    right8 += products(x8, r);
    left12 += products(x12, l);
    right12 += products(x12, r);
  }

  store(row, column, left0);
  store(row, column + 4u, right0);
  store(row + 4u, column, left4);
  store(row + 4u, column + 4u, right4);
  store(row + 8u, column, left8);
  store(row + 8u, column + 4u, right8);
  store(row + 12u, column, left12);
  store(row + 12u, column + 4u, right12);
}
