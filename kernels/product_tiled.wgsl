// product_tiled.wgsl: the body of a product, with tiles in workgroup memory
//   After a head and product.wgsl, which says what a head declares.
//   One workgroup of 256 makes a TILE × TILE tile of c (TILE 64, 32, 16 or 8), 4 × 4 an invocation.
//   What is left of the 256 splits the depth: SLICES = 4096 / TILE² teams each take a part of every
//   step, and their sums are added by halves, always in the same order.

override TILE: u32 = 64u;
// Invocations along a side of the tile, products of a step, teams.
override SIDE: u32 = TILE / 4u;
override STEP: u32 = 1024u / TILE;
override SLICES: u32 = 4096u / (TILE * TILE);

const WORKGROUP = 256u;

// A step's STEP × TILE part of a, then that of b, in fours of neighbours along the tile's side;
// at the end the teams' sums.
var<workgroup> shared_tiles: array<vec4f, 2u * WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (columns() - 1u) / TILE + 1u;
  let row = tile / across * TILE;
  let column = tile % across * TILE;
  if (row >= rows() + ONES) {
    return;
  }
  let team = lane / (SIDE * SIDE);
  let seat = lane % (SIDE * SIDE);
  let seat_row = seat / SIDE;
  let seat_column = seat % SIDE;
  // Neighbouring invocations read neighbours in memory.
  let a_depth = select(lane / SIDE, lane % STEP, A_ALONG_DEPTH);
  let a_side = select(lane % SIDE, lane / STEP, A_ALONG_DEPTH);
  let b_depth = select(lane / SIDE, lane % STEP, B_ALONG_DEPTH);
  let b_side = select(lane % SIDE, lane / STEP, B_ALONG_DEPTH);
  let a_swapped = a_depth * SIDE + (a_side ^ (a_depth % SIDE));
  let a_place = select(lane, a_swapped, A_ALONG_DEPTH);
  let b_swapped = b_depth * SIDE + (b_side ^ (b_depth % SIDE));
  let b_place = select(lane, b_swapped, B_ALONG_DEPTH);

  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var next_a = a_four(row + 4u * a_side, a_depth);
  var next_b = b_four(b_depth, column + 4u * b_side);
  for (var start = 0u; start < depth(); start += STEP) {
    workgroupBarrier();
    shared_tiles[a_place] = next_a;
    shared_tiles[WORKGROUP + b_place] = next_b;
    workgroupBarrier();
    // The next step's reads are under way while this one is computed.
    next_a = a_four(row + 4u * a_side, start + STEP + a_depth);
    next_b = b_four(start + STEP + b_depth, column + 4u * b_side);
    for (var s = 0u; s < SIDE; s++) {
      let first = (team * SIDE + s) * SIDE;
      let a4 = shared_tiles[first + swapped(seat_row, s, A_ALONG_DEPTH)];
      let b4 = shared_tiles[WORKGROUP + first + swapped(seat_column, s, B_ALONG_DEPTH)];
      sum0 = fma(vec4f(a4.x), b4, sum0);
      sum1 = fma(vec4f(a4.y), b4, sum1);
      sum2 = fma(vec4f(a4.z), b4, sum2);
      sum3 = fma(vec4f(a4.w), b4, sum3);
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
    let sums = mat4x4f(sum0, sum1, sum2, sum3);
    store_block(row + 4u * seat_row, column + 4u * seat_column, sums, rows() + ONES);
  }
}
