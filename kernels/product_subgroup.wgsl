// product_subgroup.wgsl: the body of a product, for software adapters with subgroups of 8
//   After a head and product.wgsl, which says what a head declares.
//   There, an element costs as much to load as to sum several times, but passing one from lane to
//   lane costs nothing. So a subgroup makes 32 rows × 64 columns of c and loads no element of a step
//   twice: each of its 8 lanes has 8 columns of b, and 4 rows of a, which it gives to all. Past the
//   edges, rows and columns repeat the last one and are not stored. Accumulates over the depth in
//   order.

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

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (columns() - 1u) / (LANES * LANE_COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * LANES + lane) * LANE_COLUMNS;
  if (row >= rows()) {
    return;
  }

  // The lane's rows of a and columns of b.
  let mine = min(vec4u(0u, 8u, 16u, 24u) + row + lane, vec4u(rows() - 1u));
  let left = min(vec4u(0u, 1u, 2u, 3u) + column, vec4u(columns() - 1u));
  let right = min(vec4u(4u, 5u, 6u, 7u) + column, vec4u(columns() - 1u));

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
  var left_ones = vec4f();
  var right_ones = vec4f();
  for (var p = 0u; p < depth(); p++) {
    let l = b_row(p, left);
    let r = b_row(p, right);
    let a0 = a_at(mine.x, p);
    let a8 = a_at(mine.y, p);
    let a16 = a_at(mine.z, p);
    let a24 = a_at(mine.w, p);
    left_ones += l;
    right_ones += r;
    left0 += products(low(a0), l);
    right0 += products(low(a0), r);
    left4 += products(high(a0), l);
    right4 += products(high(a0), r);
    left8 += products(low(a8), l);
    right8 += products(low(a8), r);
    left12 += products(high(a8), l);
    right12 += products(high(a8), r);
    left16 += products(low(a16), l);
    right16 += products(low(a16), r);
    left20 += products(high(a16), l);
    right20 += products(high(a16), r);
    left24 += products(low(a24), l);
    right24 += products(low(a24), r);
    left28 += products(high(a24), l);
    right28 += products(high(a24), r);
  }

  let end = rows();
  store_block(row, column, left0, end);
  store_block(row, column + 4u, right0, end);
  store_block(row + 4u, column, left4, end);
  store_block(row + 4u, column + 4u, right4, end);
  store_block(row + 8u, column, left8, end);
  store_block(row + 8u, column + 4u, right8, end);
  store_block(row + 12u, column, left12, end);
  store_block(row + 12u, column + 4u, right12, end);
  store_block(row + 16u, column, left16, end);
  store_block(row + 16u, column + 4u, right16, end);
  store_block(row + 20u, column, left20, end);
  store_block(row + 20u, column + 4u, right20, end);
  store_block(row + 24u, column, left24, end);
  store_block(row + 24u, column + 4u, right24, end);
  store_block(row + 28u, column, left28, end);
  store_block(row + 28u, column + 4u, right28, end);
  // The columns of b are the same in all tiles of a column; the first of them gives the row of ones'.
  if (ONES == 1u && row == 0u) {
    store_four(rows(), column, left_ones);
    store_four(rows(), column + 4u, right_ones);
  }
}
