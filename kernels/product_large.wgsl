// product_large.wgsl: the body of a product, for large ones
//   After a head and product.wgsl, which says what a head declares.
//   One workgroup of 256 makes a 128 × 128 tile of c, 8 × 8 an invocation: the four rows and four
//   columns of its seat in either half of the tile. Accumulates over the depth in order.

const WORKGROUP = 256u;
const TILE = 128u;
// Fours along a side of the tile, products of a step, invocations along a side.
const FOURS = 32u;
const STEP = 8u;
const SIDE = 16u;

// A step's STEP × TILE part of a, then that of b, in fours of neighbours along the tile's side.
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
  let seat_row = lane / SIDE;
  let seat_column = lane % SIDE;
  // Neighbouring invocations read neighbours in memory.
  let a_depth = select(lane / FOURS, lane % STEP, A_ALONG_DEPTH);
  let a_side = select(lane % FOURS, lane / STEP, A_ALONG_DEPTH);
  let b_depth = select(lane / FOURS, lane % STEP, B_ALONG_DEPTH);
  let b_side = select(lane % FOURS, lane / STEP, B_ALONG_DEPTH);
  let a_place = select(lane, a_depth * FOURS + (a_side ^ a_depth), A_ALONG_DEPTH);
  let b_place = select(lane, b_depth * FOURS + (b_side ^ b_depth), B_ALONG_DEPTH);

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
    for (var s = 0u; s < STEP; s++) {
      let first = s * FOURS;
      let upper = shared_tiles[first + swapped(seat_row, s, A_ALONG_DEPTH)];
      let lower = shared_tiles[first + swapped(seat_row + SIDE, s, A_ALONG_DEPTH)];
      let b_first = WORKGROUP + first;
      let b_left = shared_tiles[b_first + swapped(seat_column, s, B_ALONG_DEPTH)];
      let b_right = shared_tiles[b_first + swapped(seat_column + SIDE, s, B_ALONG_DEPTH)];
      left0 = fma(vec4f(upper.x), b_left, left0);
      right0 = fma(vec4f(upper.x), b_right, right0);
      left1 = fma(vec4f(upper.y), b_left, left1);
      right1 = fma(vec4f(upper.y), b_right, right1);
      left2 = fma(vec4f(upper.z), b_left, left2);
      right2 = fma(vec4f(upper.z), b_right, right2);
      left3 = fma(vec4f(upper.w), b_left, left3);
      right3 = fma(vec4f(upper.w), b_right, right3);
      left4 = fma(vec4f(lower.x), b_left, left4);
      right4 = fma(vec4f(lower.x), b_right, right4);
      left5 = fma(vec4f(lower.y), b_left, left5);
      right5 = fma(vec4f(lower.y), b_right, right5);
      left6 = fma(vec4f(lower.z), b_left, left6);
      right6 = fma(vec4f(lower.z), b_right, right6);
      left7 = fma(vec4f(lower.w), b_left, left7);
      right7 = fma(vec4f(lower.w), b_right, right7);
    }
  }

  let i = row + 4u * seat_row;
  let j = column + 4u * seat_column;
  let end = rows() + ONES;
  store_block(i, j, mat4x4f(left0, left1, left2, left3), end);
  store_block(i, j + 64u, mat4x4f(right0, right1, right2, right3), end);
  store_block(i + 64u, j, mat4x4f(left4, left5, left6, left7), end);
  store_block(i + 64u, j + 64u, mat4x4f(right4, right5, right6, right7), end);
}
