// dense_input_gradient_software.wgsl: dx = (dy · wᵀ) ⊙ [y > 0], for software adapters
//   dy: [m, n], w: [k, n], y: [m, k] -> dx: [m, k], row-major f32.
//   MASK 0: no factor [y > 0], and y is one unused element.
//   There, workgroup memory and barriers cost more than they save, and every load costs as much as
//   several sums. So nothing is shared: an invocation makes 16 rows × 8 columns of dx in named
//   sums, 8 invocations side by side. Past the edges, rows and columns repeat the last one and are
//   not stored. Accumulates over n in order: error ≤ (n + 1) ULP of Σ|dy||w|.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override MASK: u32 = 0u;

const WORKGROUP = 8u;
const ROWS = 16u;
const COLUMNS = 8u;

// Of four rows and four columns; a column of the matrix is a row of the product.
fn products(rows: vec4f, columns: vec4f) -> mat4x4f {
  return mat4x4f(rows.x * columns, rows.y * columns, rows.z * columns, rows.w * columns);
}

fn store(row: u32, column: u32, sums: mat4x4f) {
  for (var r = 0u; r < 4u; r++) {
    for (var c = 0u; c < 4u; c++) {
      store_one(row + r, column + c, sums[r][c]);
    }
  }
}

fn store_one(i: u32, p: u32, sum: f32) {
  if (i < params.m && p < params.k) {
    let at = i * params.k + p;
    var value = sum;
    if (MASK == 1u) {
      value = select(0.0, value, y[at] > 0.0);
    }
    dx[at] = value;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let tile = id.x + id.y * groups.x;
  let across = (params.k - 1u) / (WORKGROUP * COLUMNS) + 1u;
  let row = tile / across * ROWS;
  let column = (tile % across * WORKGROUP + lane) * COLUMNS;
  if (row >= params.m || column >= params.k) {
    return;
  }

  // Where each row of dy and column of wᵀ begins; a step along n adds 1.
  let four = vec4u(0u, 1u, 2u, 3u);
  let rows0 = min(four + row, vec4u(params.m - 1u)) * params.n;
  let rows4 = min(four + row + 4u, vec4u(params.m - 1u)) * params.n;
  let rows8 = min(four + row + 8u, vec4u(params.m - 1u)) * params.n;
  let rows12 = min(four + row + 12u, vec4u(params.m - 1u)) * params.n;
  let left = min(four + column, vec4u(params.k - 1u)) * params.n;
  let right = min(four + column + 4u, vec4u(params.k - 1u)) * params.n;

  var left0 = mat4x4f();
  var right0 = mat4x4f();
  var left4 = mat4x4f();
  var right4 = mat4x4f();
  var left8 = mat4x4f();
  var right8 = mat4x4f();
  var left12 = mat4x4f();
  var right12 = mat4x4f();
  for (var j = 0u; j < params.n; j++) {
    let l = vec4f(w[j + left.x], w[j + left.y], w[j + left.z], w[j + left.w]);
    let r = vec4f(w[j + right.x], w[j + right.y], w[j + right.z], w[j + right.w]);
    let dy0 = vec4f(dy[j + rows0.x], dy[j + rows0.y], dy[j + rows0.z], dy[j + rows0.w]);
    let dy4 = vec4f(dy[j + rows4.x], dy[j + rows4.y], dy[j + rows4.z], dy[j + rows4.w]);
    let dy8 = vec4f(dy[j + rows8.x], dy[j + rows8.y], dy[j + rows8.z], dy[j + rows8.w]);
    let dy12 = vec4f(dy[j + rows12.x], dy[j + rows12.y], dy[j + rows12.z], dy[j + rows12.w]);
    left0 += products(dy0, l);
    right0 += products(dy0, r);
    left4 += products(dy4, l);
    right4 += products(dy4, r);
    left8 += products(dy8, l);
    right8 += products(dy8, r);
    left12 += products(dy12, l);
    right12 += products(dy12, r);
  }

  store(row, column, left0);
  store(row, column + 4u, right0);
  store(row + 4u, column, left4);
  store(row + 4u, column + 4u, right4);
  store(row + 8u, column, left8);
  store(row + 8u, column + 4u, right8);
  store(row + 12u, column, left12);
  store(row + 12u, column + 4u, right12);
}
