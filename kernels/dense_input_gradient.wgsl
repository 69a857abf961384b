// dense_input_gradient.wgsl: dx = (dy · wᵀ) ⊙ [y > 0]
//   dy: [m, n], w: [k, n], y: [m, k] -> dx: [m, k], row-major f32.
//   MASK 0: no factor [y > 0], and y is one unused element.
//   One workgroup of 256 makes a TILE × TILE tile of dx (TILE 64, 32 or 16), 4 × 4 an invocation.
//   What is left of the 256 splits the depth n: SLICES = 4096 / TILE² teams each take a part of
//   every step, and their sums are added by halves, always in the same order.
//   Error ≤ (n + 1) ULP of Σ|dy||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override MASK: u32 = 0u;
override TILE: u32 = 64u;
// Invocations along a side of the tile, products of a step, teams.
override SIDE: u32 = TILE / 4u;
override STEP: u32 = 1024u / TILE;
override SLICES: u32 = 4096u / (TILE * TILE);

const WORKGROUP = 256u;

// A step's STEP × TILE part of dy, then that of w, in fours of neighbours along the tile's side;
// at the end the teams' sums.
var<workgroup> shared_tiles: array<vec4f, 2u * WORKGROUP>;

fn dy_value(i: u32, j: u32) -> f32 {
  if (i < params.m && j < params.n) {
    return dy[i * params.n + j];
  }
  return 0.0;
}

fn dy_at(i: u32, j: u32) -> vec4f {
  return vec4f(
    dy_value(i, j),
    dy_value(i + 1u, j),
    dy_value(i + 2u, j),
    dy_value(i + 3u, j),
  );
}

fn w_value(p: u32, j: u32) -> f32 {
  if (p < params.k && j < params.n) {
    return w[p * params.n + j];
  }
  return 0.0;
}

fn w_at(p: u32, j: u32) -> vec4f {
  return vec4f(
    w_value(p, j),
    w_value(p + 1u, j),
    w_value(p + 2u, j),
    w_value(p + 3u, j),
  );
}

fn store(i: u32, first: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    let p = first + c;
    if (i < params.m && p < params.k) {
      let at = i * params.k + p;
      var value = sums[c];
      if (MASK == 1u) {
        value = select(0.0, value, y[at] > 0.0);
      }
      dx[at] = value;
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
  let across = (params.k - 1u) / TILE + 1u;
  let row = tile / across * TILE;
  let column = tile % across * TILE;
  if (row >= params.m) {
    return;
  }
  let team = lane / (SIDE * SIDE);
  let seat = lane % (SIDE * SIDE);
  let seat_row = seat / SIDE;
  let seat_column = seat % SIDE;
  // dy runs along the depth: neighbouring invocations read neighbours there, and swap fours by an
  // exclusive or so that they write to different banks.
  let dy_depth = lane % STEP;
  let dy_four = lane / STEP;
  // w runs along the depth: neighbouring invocations read neighbours there, and swap fours by an
  // exclusive or so that they write to different banks.
  let w_depth = lane % STEP;
  let w_four = lane / STEP;

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var next_dy = dy_at(row + 4u * dy_four, dy_depth);
  var next_w = w_at(column + 4u * w_four, w_depth);
  for (var start = 0u; start < params.n; start += STEP) {
    workgroupBarrier();
    shared_tiles[dy_depth * SIDE + (dy_four ^ (dy_depth % SIDE))] = next_dy;
    shared_tiles[WORKGROUP + w_depth * SIDE + (w_four ^ (w_depth % SIDE))] = next_w;
    workgroupBarrier();
    // The next step's reads are under way while this one is computed.
    next_dy = dy_at(row + 4u * dy_four, start + STEP + dy_depth);
    next_w = w_at(column + 4u * w_four, start + STEP + w_depth);
    for (var s = 0u; s < SIDE; s++) {
      let first = (team * SIDE + s) * SIDE;
      let dy4 = shared_tiles[first + (seat_row ^ s)];
      let w4 = shared_tiles[WORKGROUP + first + (seat_column ^ s)];
      sum0 = fma(vec4f(dy4.x), w4, sum0);
      sum1 = fma(vec4f(dy4.y), w4, sum1);
      sum2 = fma(vec4f(dy4.z), w4, sum2);
      sum3 = fma(vec4f(dy4.w), w4, sum3);
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
