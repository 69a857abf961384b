// dense_weight_gradient_subgroup.wgsl: dw = xᵀ · dy, db = 1ᵀ · dy, for software with subgroups of 8
//   x: [m, k], dy: [m, n] -> dw: [k, n], db: [n], row-major f32. BIAS 0: db is one unused element.
//   There, an element costs as much to load as to sum several times, but passing one from lane to
//   lane costs nothing. So a subgroup makes 32 rows × 64 columns of dw and loads no element of a step
//   twice: each of its 8 lanes has 8 columns of dy, and 4 rows of xᵀ, which it gives to all. Past the
//   edges, rows and columns repeat the last one and are not stored. Accumulates over m in order:
//   error ≤ (m + 1) ULP of Σ|x||dy|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> db: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override BIAS: u32 = 0u;

const ROWS = 32u;
const LANE_COLUMNS = 8u;
const LANES = 8u;

// What the first and the last four lanes hold.
fn low(v: f32) -> vec4f {
  return vec4f(
    subgroupBroadcast(v, 0u),
    subgroupBroadcast(v, 1u),
    subgroupBroadcast(v, 2u),
    subgroupBroadcast(v, 3u),
  );
}

fn high(v: f32) -> vec4f {
  return vec4f(
    subgroupBroadcast(v, 4u),
    subgroupBroadcast(v, 5u),
    subgroupBroadcast(v, 6u),
    subgroupBroadcast(v, 7u),
  );
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

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (params.n - 1u) / (LANES * LANE_COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * LANES + lane) * LANE_COLUMNS;
  if (row >= params.k) {
    return;
  }

  // The lane's rows of xᵀ and columns of dy; a step along m adds k to x and n to dy.
  let mine = min(vec4u(0u, 8u, 16u, 24u) + row + lane, vec4u(params.k - 1u));
  let left = min(vec4u(0u, 1u, 2u, 3u) + column, vec4u(params.n - 1u));
  let right = min(vec4u(4u, 5u, 6u, 7u) + column, vec4u(params.n - 1u));

  var left0 = mat4x4f();
  var right0 = mat4x4f();
  var left4 = mat4x4f();
  var right4 = mat4x4f();
  var left8 = mat4x4f();
  var right8 = mat4x4f();
  var left12 = mat4x4f();
  var right12 = mat4x4f();
  var left16 = mat4x4f();
  var right16 = mat4x4f();
  var left20 = mat4x4f();
  var right20 = mat4x4f();
  var left24 = mat4x4f();
  var right24 = mat4x4f();
  var left28 = mat4x4f();
  var right28 = mat4x4f();
  var left_bias = vec4f();
  var right_bias = vec4f();
  for (var i = 0u; i < params.m; i++) {
    let x_at = i * params.k;
    let dy_at = i * params.n;
    let l = vec4f(dy[dy_at + left.x], dy[dy_at + left.y], dy[dy_at + left.z], dy[dy_at + left.w]);
    let r =
      vec4f(dy[dy_at + right.x], dy[dy_at + right.y], dy[dy_at + right.z], dy[dy_at + right.w]);
    let x0 = x[x_at + mine.x];
    let x8 = x[x_at + mine.y];
    let x16 = x[x_at + mine.z];
    let x24 = x[x_at + mine.w];
    left_bias += l;
    right_bias += r;
    left0 += products(low(x0), l);
    right0 += products(low(x0), r);
    left4 += products(high(x0), l);
    right4 += products(high(x0), r);
    left8 += products(low(x8), l);
    right8 += products(low(x8), r);
    left12 += products(high(x8), l);
    right12 += products(high(x8), r);
    left16 += products(low(x16), l);
    right16 += products(low(x16), r);
    left20 += products(high(x16), l);
    right20 += products(high(x16), r);
    left24 += products(low(x24), l);
    right24 += products(low(x24), r);
    left28 += products(high(x24), l);
    right28 += products(high(x24), r);
  }

  store(row, column, left0);
  store(row, column + 4u, right0);
  store(row + 4u, column, left4);
  store(row + 4u, column + 4u, right4);
  store(row + 8u, column, left8);
  store(row + 8u, column + 4u, right8);
  store(row + 12u, column, left12);
  store(row + 12u, column + 4u, right12);
  store(row + 16u, column, left16);
  store(row + 16u, column + 4u, right16);
  store(row + 20u, column, left20);
  store(row + 20u, column + 4u, right20);
  store(row + 24u, column, left24);
  store(row + 24u, column + 4u, right24);
  store(row + 28u, column, left28);
  store(row + 28u, column + 4u, right28);
  // The columns of dy are the same in all tiles of a column; the first of them gives db.
  if (BIAS == 1u && row == 0u) {
    store_bias(column, left_bias);
    store_bias(column + 4u, right_bias);
  }
}
