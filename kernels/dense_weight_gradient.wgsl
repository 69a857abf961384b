// dense_weight_gradient.wgsl: dw = xᵀ · dy, db = 1ᵀ · dy
//   x: [m, k], dy: [m, n] -> dw: [k, n], db: [n], row-major f32.
//   BIAS 1: x has a column k of ones, whose row of the product is db. BIAS 0: db is one unused
//   element.
//   One workgroup of 256 makes a TILE × TILE tile of dw (TILE 64, 32 or 16), 4 × 4 an invocation.
//   What is left of the 256 splits the depth m: SLICES = 4096 / TILE² teams each take a part of
//   every step, and their sums are added by halves, always in the same order.
//   Error ≤ (m + 1) ULP of Σ|x||dy|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> db: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override BIAS: u32 = 0u;
override TILE: u32 = 64u;
// Invocations along a side of the tile, products of a step, teams.
override SIDE: u32 = TILE / 4u;
override STEP: u32 = 1024u / TILE;
override SLICES: u32 = 4096u / (TILE * TILE);

const WORKGROUP = 256u;

// A step's STEP × TILE part of x, then that of dy, in fours of neighbours along the tile's side;
// at the end the teams' sums.
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
  let team = lane / (SIDE * SIDE);
  let seat = lane % (SIDE * SIDE);
  let seat_row = seat / SIDE;
  let seat_column = seat % SIDE;
  // x runs along the side.
  let x_depth = lane / SIDE;
  let x_four = lane % SIDE;
  // dy runs along the side.
  let dy_depth = lane / SIDE;
  let dy_four = lane % SIDE;

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
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
    for (var s = 0u; s < SIDE; s++) {
      let first = (team * SIDE + s) * SIDE;
      let x4 = shared_tiles[first + seat_row];
      let dy4 = shared_tiles[WORKGROUP + first + seat_column];
      sum0 = fma(vec4f(x4.x), dy4, sum0);
      sum1 = fma(vec4f(x4.y), dy4, sum1);
      sum2 = fma(vec4f(x4.z), dy4, sum2);
      sum3 = fma(vec4f(x4.w), dy4, sum3);
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
