// product_software.wgsl: the body of a product, for software adapters
//   After a head and product.wgsl, which says what a head declares.
//   There, workgroup memory and barriers cost more than they save, and every load costs as much as
//   several sums. So nothing is shared: an invocation makes 16 rows × 8 columns of c in named sums,
//   8 invocations side by side. Past the edges, rows and columns repeat the last one and are not
//   stored. Accumulates over the depth in order.

const WORKGROUP = 8u;
const ROWS = 16u;
const COLUMNS = 8u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (columns() - 1u) / (WORKGROUP * COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * WORKGROUP + lane) * COLUMNS;
  if (row >= rows() || column >= columns()) {
    return;
  }

  let four = vec4u(0u, 1u, 2u, 3u);
  let rows0 = min(four + row, vec4u(rows() - 1u));
  let rows4 = min(four + row + 4u, vec4u(rows() - 1u));
  let rows8 = min(four + row + 8u, vec4u(rows() - 1u));
  let rows12 = min(four + row + 12u, vec4u(rows() - 1u));
  let left = min(four + column, vec4u(columns() - 1u));
  let right = min(four + column + 4u, vec4u(columns() - 1u));

  var left0 = mat4x4f();
  var right0 = mat4x4f();
  var left4 = mat4x4f();
  var right4 = mat4x4f();
  var left8 = mat4x4f();
  var right8 = mat4x4f();
  var left12 = mat4x4f();
  var right12 = mat4x4f();
  var left_ones = vec4f();
  var right_ones = vec4f();
  for (var p = 0u; p < depth(); p++) {
    let l = b_row(p, left);
    let r = b_row(p, right);
    let a0 = a_column(rows0, p);
    let a4 = a_column(rows4, p);
    let a8 = a_column(rows8, p);
    let a12 = a_column(rows12, p);
    left_ones += l;
    right_ones += r;
    left0 += products(a0, l);
    right0 += products(a0, r);
    left4 += products(a4, l);
    right4 += products(a4, r);
    left8 += products(a8, l);
    right8 += products(a8, r);
    left12 += products(a12, l);
    right12 += products(a12, r);
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
  // The columns of b are the same in all tiles of a column; the first of them gives the row of ones'.
  if (ONES == 1u && row == 0u) {
    store_four(rows(), column, left_ones);
    store_four(rows(), column + 4u, right_ones);
  }
}
