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

fn store_one(p: u32, j: u32, sum: f32) {
  if (p < params.k && j < params.n) {
    dw[p * params.n + j] = sum;
  }
}

fn store_bias(j: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    if (j + c < params.n) {
      db[j + c] = sums[c];
    }
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

  // The rows of xᵀ and columns of dy; a step along m adds k to x and n to dy.
  let four = vec4u(0u, 1u, 2u, 3u);
  let rows0 = min(four + row, vec4u(params.k - 1u));
  let rows4 = min(four + row + 4u, vec4u(params.k - 1u));
  let rows8 = min(four + row + 8u, vec4u(params.k - 1u));
  let rows12 = min(four + row + 12u, vec4u(params.k - 1u));
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
  var left_bias = vec4f();
  var right_bias = vec4f();
  for (var i = 0u; i < params.m; i++) {
    let x_at = i * params.k;
    let dy_at = i * params.n;
    let l = vec4f(dy[dy_at + left.x], dy[dy_at + left.y], dy[dy_at + left.z], dy[dy_at + left.w]);
    let r =
      vec4f(dy[dy_at + right.x], dy[dy_at + right.y], dy[dy_at + right.z], dy[dy_at + right.w]);
    let x0 = vec4f(x[x_at + rows0.x], x[x_at + rows0.y], x[x_at + rows0.z], x[x_at + rows0.w]);
    let x4 = vec4f(x[x_at + rows4.x], x[x_at + rows4.y], x[x_at + rows4.z], x[x_at + rows4.w]);
    let x8 = vec4f(x[x_at + rows8.x], x[x_at + rows8.y], x[x_at + rows8.z], x[x_at + rows8.w]);
    let x12 = vec4f(x[x_at + rows12.x], x[x_at + rows12.y], x[x_at + rows12.z], x[x_at + rows12.w]);
    left_bias += l;
    right_bias += r;
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

  // The columns of dy are the same in all tiles of a column; the first of them gives db.
  if (BIAS == 1u && row == 0u) {
    store_bias(column, left_bias);
    store_bias(column + 4u, right_bias);
  }
}
