// product.wgsl: what the bodies of a product share
//   A product c = a · b is three files, one after another: a head (dense.wgsl, …), which says what
//   the factors are and what becomes of c; this one; and a body (product_NAME.wgsl) with `main`,
//   which says who computes what, in which order. A head declares
//     rows(), columns(), depth(): the extents of a and b, and the products that an element of c sums,
//     a_at(i, p), b_at(p, j): elements of the factors, inside these extents,
//     A_ALONG_DEPTH, B_ALONG_DEPTH: whether neighbours in memory are neighbours along the depth,
//     ONES: 1 where a row of ones follows under a, so that c has one row more; else 0,
//     store(i, j, sum): takes an element of c, each once, in its extents.

// Four neighbours along the side of a tile of a; zeros past the edges.
fn a_four(i: u32, p: u32) -> vec4f {
  return vec4f(a_or_zero(i, p), a_or_zero(i + 1u, p), a_or_zero(i + 2u, p), a_or_zero(i + 3u, p));
}

fn a_or_zero(i: u32, p: u32) -> f32 {
  if (i < rows() && p < depth()) {
    return a_at(i, p);
  }
  // What is past the depth here meets zeros of b.
  if (ONES == 1u && i == rows()) {
    return 1.0;
  }
  return 0.0;
}

fn b_four(p: u32, j: u32) -> vec4f {
  return vec4f(b_or_zero(p, j), b_or_zero(p, j + 1u), b_or_zero(p, j + 2u), b_or_zero(p, j + 3u));
}

fn b_or_zero(p: u32, j: u32) -> f32 {
  if (p < depth() && j < columns()) {
    return b_at(p, j);
  }
  return 0.0;
}

// Where a four stands among those of its depth in workgroup memory. Where neighbouring invocations
// read neighbours along the depth, an exclusive or makes them write to different banks.
fn swapped(four: u32, depth: u32, along_depth: bool) -> u32 {
  return select(four, four ^ depth, along_depth);
}

// Any four rows of a, any four columns of b.
fn a_column(i: vec4u, p: u32) -> vec4f {
  return vec4f(a_at(i.x, p), a_at(i.y, p), a_at(i.z, p), a_at(i.w, p));
}

fn b_row(p: u32, j: vec4u) -> vec4f {
  return vec4f(b_at(p, j.x), b_at(p, j.y), b_at(p, j.z), b_at(p, j.w));
}

// Of four rows and four columns; a column of the matrix is a row of the product.
fn products(rows: vec4f, columns: vec4f) -> mat4x4f {
  return mat4x4f(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

// The rows of a block that are before `end`.
fn store_block(row: u32, column: u32, sums: mat4x4f, end: u32) {
  for (var r = 0u; r < 4u; r++) {
    if (row + r < end) {
      store_four(row + r, column, sums[r]);
    }
  }
}

fn store_four(row: u32, column: u32, sums: vec4f) {
  for (var c = 0u; c < 4u; c++) {
    if (column + c < columns()) {
      store(row, column + c, sums[c]);
    }
  }
}
