// dense_input_gradient.wgsl: dx = (dy · wᵀ) ⊙ [y > 0]
//   dy: [m, n], w: [k, n], y: [m, k] -> dx: [m, k], row-major f32.
//   MASK 0: no factor [y > 0], and y is one unused element.
//   Error ≤ (n + 1) ULP of Σ|dy||w|.
//   The head of a product (see product.wgsl) with the factors dy and wᵀ.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override MASK: u32 = 0u;

const A_ALONG_DEPTH = true;
const B_ALONG_DEPTH = true;
const ONES = 0u;

fn rows() -> u32 { return params.m; }
fn columns() -> u32 { return params.k; }
fn depth() -> u32 { return params.n; }
fn a_at(i: u32, p: u32) -> f32 { return dy[i * params.n + p]; }
fn b_at(p: u32, j: u32) -> f32 { return w[j * params.n + p]; }

fn store(i: u32, j: u32, sum: f32) {
  let at = i * params.k + j;
  var value = sum;
  if (MASK == 1u) {
    value = select(0.0, value, y[at] > 0.0);
  }
  dx[at] = value;
}
