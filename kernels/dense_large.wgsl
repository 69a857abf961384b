// dense_large.wgsl: y = act(x · w + b), for large products
//   x: [m, k], w: [k, n], b: [n] -> y: [m, n], row-major f32.
//   ACT: 0 none, 1 ReLU. USE_BIAS 0: b is one unused element.
//   One workgroup of 256 makes a 128 × 128 tile of y, 8 × 8 an invocation: the four rows and four
//   columns of its seat in either half of the tile. Accumulates over k in order.
//   Error ≤ (k + 1) ULP of Σ|x||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override ACT: u32 = 0u;
override USE_BIAS: u32 = 1u;

const WORKGROUP = 256u;
const TILE = 128u;
// Fours along a side of the tile, products of a step, invocations along a side.
const FOURS = 32u;
const STEP = 8u;
const SIDE = 16u;

// A step's STEP × TILE part of x, then that of w, in fours of neighbours along the tile's side.
var<workgroup> shared_tiles: array<vec4f, 2u * WORKGROUP>;

fn x_value(i: u32, p: u32) -> f32 {
  if (i < params.m && p < params.k) {
    return x[i * params.k + p];
  }
  return 0.0;
}

fn x_at(i: u32, p: u32) -> vec4f {
  return vec4f(
    x_value(i, p),
    x_value(i + 1u, p),
    x_value(i + 2u, p),
    x_value(i + 3u, p),
  );
}

fn w_value(j: u32, p: u32) -> f32 {
  if (j < params.n && p < params.k) {
    return w[p * params.n + j];
  }
  return 0.0;
}

fn w_at(j: u32, p: u32) -> vec4f {
  return vec4f(
    w_value(j, p),
    w_value(j + 1u, p),
    w_value(j + 2u, p),
    w_value(j + 3u, p),
  );
}

// By its bits: a negative NaN stays, which max(v, 0) need not do.
fn relu(v: f32) -> f32 {
  let bits = bitcast<u32>(v);
  return select(v, 0.0, bits >= 0x80000000u && bits <= 0xff800000u);
}

fn store(i: u32, first: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    let j = first + c;
    if (i < params.m && j < params.n) {
      var value = sums[c];
      if (USE_BIAS == 1u) {
        value += b[j];
      }
      if (ACT == 1u) {
        value = relu(value);
      }
      y[i * params.n + j] = value;
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
  if (row >= params.m) {
    return;
  }
  let seat_row = lane / SIDE;
  let seat_column = lane % SIDE;
  // x runs along the depth: neighbouring invocations read neighbours there, and swap fours by an
  // exclusive or so that they write to different banks.
  let x_depth = lane % STEP;
  let x_four = lane / STEP;
  // w runs along the side.
  let w_depth = lane / FOURS;
  let w_four = lane % FOURS;

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
  var next_w = w_at(column + 4u * w_four, w_depth);
  for (var start = 0u; start < params.k; start += STEP) {
    workgroupBarrier();
    shared_tiles[x_depth * FOURS + (x_four ^ x_depth)] = next_x;
    shared_tiles[WORKGROUP + lane] = next_w;
    workgroupBarrier();
    // The next step's reads are under way while this one is computed.
    next_x = x_at(row + 4u * x_four, start + STEP + x_depth);
    next_w = w_at(column + 4u * w_four, start + STEP + w_depth);
    for (var s = 0u; s < STEP; s++) {
      let first = s * FOURS;
      let upper = shared_tiles[first + (seat_row ^ s)];
      let lower = shared_tiles[first + ((seat_row + SIDE) ^ s)];
      let w_left = shared_tiles[WORKGROUP + first + seat_column];
      let w_right = shared_tiles[WORKGROUP + first + seat_column + SIDE];
      left0 = fma(vec4f(upper.x), w_left, left0);
      right0 = fma(vec4f(upper.x), w_right, right0);
      left1 = fma(vec4f(upper.y), w_left, left1);
      right1 = fma(vec4f(upper.y), w_right, right1);
      left2 = fma(vec4f(upper.z), w_left, left2);
      right2 = fma(vec4f(upper.z), w_right, right2);
      left3 = fma(vec4f(upper.w), w_left, left3);
      right3 = fma(vec4f(upper.w), w_right, right3);
      left4 = fma(vec4f(lower.x), w_left, left4);
      right4 = fma(vec4f(lower.x), w_right, right4);
      left5 = fma(vec4f(lower.y), w_left, left5);
      right5 = fma(vec4f(lower.y), w_right, right5);
      left6 = fma(vec4f(lower.z), w_left, left6);
      right6 = fma(vec4f(lower.z), w_right, right6);
      left7 = fma(vec4f(lower.w), w_left, left7);
      right7 = fma(vec4f(lower.w), w_right, right7);
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
