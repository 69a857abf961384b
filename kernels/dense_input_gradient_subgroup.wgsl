// dense_input_gradient_subgroup.wgsl: dx = (dy · wᵀ) ⊙ [y > 0], for software with subgroups of 8
//   dy: [m, n], w: [k, n], y: [m, k] -> dx: [m, k], row-major f32.
//   MASK 0: no factor [y > 0], and y is one unused element.
//   There, an element costs as much to load as to sum several times, but passing one from lane to
//   lane costs nothing. So a subgroup makes 32 rows × 64 columns of dx and loads no element of a step
//   twice: each of its 8 lanes has 8 columns of wᵀ, and 4 rows of dy, which it gives to all. Past the
//   edges, rows and columns repeat the last one and are not stored. Accumulates over n in order:
//   error ≤ (n + 1) ULP of Σ|dy||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override MASK: u32 = 0u;

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

fn store_one(i: u32, p: u32, sum: f32) {
  if (i < params.m && p < params.k) {
    let at = i * params.k + p;
    var value = sum;
    if (MASK == 1u) {
      value = select(0.0, value, y[at] > 0.0);
    }
    dx[at] = value;
  }
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (params.k - 1u) / (LANES * LANE_COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * LANES + lane) * LANE_COLUMNS;
  if (row >= params.m) {
    return;
  }

  // Where the lane's rows of dy and columns of wᵀ begin; a step along n adds 1.
  let mine = min(vec4u(0u, 8u, 16u, 24u) + row + lane, vec4u(params.m - 1u)) * params.n;
  let left = min(vec4u(0u, 1u, 2u, 3u) + column, vec4u(params.k - 1u)) * params.n;
  let right = min(vec4u(4u, 5u, 6u, 7u) + column, vec4u(params.k - 1u)) * params.n;

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
  for (var j = 0u; j < params.n; j++) {
    let l = vec4f(w[j + left.x], w[j + left.y], w[j + left.z], w[j + left.w]);
    let r = vec4f(w[j + right.x], w[j + right.y], w[j + right.z], w[j + right.w]);
    let dy0 = dy[j + mine.x];
    let dy8 = dy[j + mine.y];
    let dy16 = dy[j + mine.z];
    let dy24 = dy[j + mine.w];
    left0 += products(low(dy0), l);
    right0 += products(low(dy0), r);
    left4 += products(high(dy0), l);
    right4 += products(high(dy0), r);
    left8 += products(low(dy8), l);
    right8 += products(low(dy8), r);
    left12 += products(high(dy8), l);
    right12 += products(high(dy8), r);
    left16 += products(low(dy16), l);
    right16 += products(low(dy16), r);
    left20 += products(high(dy16), l);
    right20 += products(high(dy16), r);
    left24 += products(low(dy24), l);
    right24 += products(low(dy24), r);
    left28 += products(high(dy24), l);
    right28 += products(high(dy24), r);
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
}
