// dense.wgsl: y = act(x · w + b)
//   x: [m, k], w: [k, n], b: [n] -> y: [m, n], row-major f32.
//   ACT: 0 none, 1 ReLU. USE_BIAS 0: b is one unused element.
//   One workgroup of 256 makes a TILE × TILE tile of y (TILE 64, 32 or 16), 4 × 4 an invocation.
//   What is left of the 256 splits the depth k: SLICES = 4096 / TILE² teams each take a part of
//   every step, and their sums are added by halves, always in the same order.
//   Error ≤ (k + 1) ULP of Σ|x||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override ACT: u32 = 0u;
override USE_BIAS: u32 = 1u;
override TILE: u32 = 64u;
// Invocations along a side of the tile, products of a step, teams.
override SIDE: u32 = TILE / 4u;
override STEP: u32 = 1024u / TILE;
override SLICES: u32 = 4096u / (TILE * TILE);

const WORKGROUP = 256u;

// A step's STEP × TILE part of x, then that of w, in fours of neighbours along the tile's side;
// at the end the teams' sums.
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
  let team = lane / (SIDE * SIDE);
  let seat = lane % (SIDE * SIDE);
  let seat_row = seat / SIDE;
  let seat_column = seat % SIDE;
  // x runs along the depth: neighbouring invocations read neighbours there, and swap fours by an
  // exclusive or so that they write to different banks.
  let x_depth = lane % STEP;
  let x_four = lane / STEP;
  // w runs along the side.
  let w_depth = lane / SIDE;
  let w_four = lane % SIDE;

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var next_x = x_at(row + 4u * x_four, x_depth);
  var next_w = w_at(column + 4u * w_four, w_depth);
  for (var start = 0u; start < params.k; start += STEP) {
    workgroupBarrier();
    shared_tiles[x_depth * SIDE + (x_four ^ (x_depth % SIDE))] = next_x;
    shared_tiles[WORKGROUP + lane] = next_w;
    workgroupBarrier();
    // The next step's reads are under way while this one is computed.
    next_x = x_at(row + 4u * x_four, start + STEP + x_depth);
    next_w = w_at(column + 4u * w_four, start + STEP + w_depth);
    for (var s = 0u; s < SIDE; s++) {
      let first = (team * SIDE + s) * SIDE;
      let x4 = shared_tiles[first + (seat_row ^ s)];
      let w4 = shared_tiles[WORKGROUP + first + seat_column];
      sum0 = fma(vec4f(x4.x), w4, sum0);
      sum1 = fma(vec4f(x4.y), w4, sum1);
      sum2 = fma(vec4f(x4.z), w4, sum2);
      sum3 = fma(vec4f(x4.w), w4, sum3);
    }
  }

  // Team t + teams gives its sums to team t, until one is left.
  for (var teams = SLICES / 2u; teams > 0u; teams /= 2u) {
    let stride = teams * SIDE * SIDE;
    workgroupBarrier();
    if (team >= teams && team < 2u * teams) {
      shared_tiles[lane - stride] = sum0;
      shared_tiles[lane] = sum1;
      shared_tiles[lane + stride] = sum2;
      shared_tiles[lane + 2u * stride] = sum3;
    }
    workgroupBarrier();
    if (team < teams) {
      sum0 += shared_tiles[lane];
      sum1 += shared_tiles[lane + stride];
      sum2 += shared_tiles[lane + 2u * stride];
      sum3 += shared_tiles[lane + 3u * stride];
    }
  }
  if (team == 0u) {
    let first = row + 4u * seat_row;
    store(first, column + 4u * seat_column, sum0);
    store(first + 1u, column + 4u * seat_column, sum1);
    store(first + 2u, column + 4u * seat_column, sum2);
    store(first + 3u, column + 4u * seat_column, sum3);
  }
}
