// dense_weight_gradient_large.wgsl: dw = xᵀ · dy, db = 1ᵀ · dy, for large products
//   x: [m, k], dy: [m, n] -> dw: [k, n], db: [n], row-major f32.
//   BIAS 1: x has a column k of ones, whose row of the product is db. BIAS 0: db is one unused
//   element.
//   One workgroup of 256 makes a 128 × 128 tile of dw, 8 × 8 an invocation: the four rows and four
//   columns of its seat in either half of the tile. Accumulates over m in order.
//   Error ≤ (m + 1) ULP of Σ|x||dy|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> db: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override BIAS: u32 = 0u;

const WORKGROUP = 256u;
const TILE = 128u;
// Fours along a side of the tile, products of a step, invocations along a side.
const FOURS = 32u;
const STEP = 8u;
const SIDE = 16u;

// A step's STEP × TILE part of x, then that of dy, in fours of neighbours along the tile's side.
var<workgroup> shared_tiles: array<vec4f, 2u * WORKGROUP>;

fn x_value(p: u32, i: u32) -> f32 {
  if (p < params.k && i < params.m) {
    return x[i * params.k + p];
  }
  if (BIAS == 1u && p == params.k) {
    return 1.0;
  }
  return 0.0;
}

fn x_at(p: u32, i: u32) -> vec4f {
  return vec4f(
    x_value(p, i),
    x_value(p + 1u, i),
    x_value(p + 2u, i),
    x_value(p + 3u, i),
  );
}

fn dy_value(j: u32, i: u32) -> f32 {
  if (j < params.n && i < params.m) {
    return dy[i * params.n + j];
  }
  return 0.0;
}

fn dy_at(j: u32, i: u32) -> vec4f {
  return vec4f(
    dy_value(j, i),
    dy_value(j + 1u, i),
    dy_value(j + 2u, i),
    dy_value(j + 3u, i),
  );
}

fn store(p: u32, first: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    let j = first + c;
    if (p < params.k && j < params.n) {
      dw[p * params.n + j] = sums[c];
    }
    if (BIAS == 1u && p == params.k && j < params.n) {
      db[j] = sums[c];
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
  let across = (params.n - 1u) / TILE + 1u;
  let row = tile / across * TILE;
  let column = tile % across * TILE;
  if (row >= params.k + BIAS) {
    return;
  }
  let seat_row = lane / SIDE;
  let seat_column = lane % SIDE;
  // x runs along the side.
  let x_depth = lane / FOURS;
  let x_four = lane % FOURS;
  // dy runs along the side.
  let dy_depth = lane / FOURS;
  let dy_four = lane % FOURS;

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
  var next_x = x_at(row + 4u * x_four, x_depth);
  var next_dy = dy_at(column + 4u * dy_four, dy_depth);
  for (var start = 0u; start < params.m; start += STEP) {
    workgroupBarrier();
    shared_tiles[lane] = next_x;
    shared_tiles[WORKGROUP + lane] = next_dy;
    workgroupBarrier();
    // The next step's reads are under way while this one is computed.
    next_x = x_at(row + 4u * x_four, start + STEP + x_depth);
    next_dy = dy_at(column + 4u * dy_four, start + STEP + dy_depth);
    for (var s = 0u; s < STEP; s++) {
      let first = s * FOURS;
      let upper = shared_tiles[first + seat_row];
      let lower = shared_tiles[first + seat_row + SIDE];
      let dy_left = shared_tiles[WORKGROUP + first + seat_column];
      let dy_right = shared_tiles[WORKGROUP + first + seat_column + SIDE];
      left0 = fma(vec4f(upper.x), dy_left, left0);
      right0 = fma(vec4f(upper.x), dy_right, right0);
      left1 = fma(vec4f(upper.y), dy_left, left1);
      right1 = fma(vec4f(upper.y), dy_right, right1);
      left2 = fma(vec4f(upper.z), dy_left, left2);
      right2 = fma(vec4f(upper.z), dy_right, right2);
      left3 = fma(vec4f(upper.w), dy_left, left3);
      right3 = fma(vec4f(upper.w), dy_right, right3);
      left4 = fma(vec4f(lower.x), dy_left, left4);
      right4 = fma(vec4f(lower.x), dy_right, right4);
      left5 = fma(vec4f(lower.y), dy_left, left5);
      right5 = fma(vec4f(lower.y), dy_right, right5);
      left6 = fma(vec4f(lower.z), dy_left, left6);
      right6 = fma(vec4f(lower.z), dy_right, right6);
      left7 = fma(vec4f(lower.w), dy_left, left7);
      right7 = fma(vec4f(lower.w), dy_right, right7);
    }
  }

  let first_row = row + 4u * seat_row;
  let first_column = column + 4u * seat_column;
  store(first_row, first_column, left0);
  store(first_row, first_column + 64u, right0);
  store(first_row + 1u, first_column, left1);
  store(first_row + 1u, first_column + 64u, right1);
  store(first_row + 2u, first_column, left2);
  store(first_row + 2u, first_column + 64u, right2);
  store(first_row + 3u, first_column, left3);
  store(first_row + 3u, first_column + 64u, right3);
  store(first_row + 64u, first_column, left4);
  store(first_row + 64u, first_column + 64u, right4);
  store(first_row + 65u, first_column, left5);
  store(first_row + 65u, first_column + 64u, right5);
  store(first_row + 66u, first_column, left6);
  store(first_row + 66u, first_column + 64u, right6);
  store(first_row + 67u, first_column, left7);
  store(first_row + 67u, first_column + 64u, right7);
}
