// weighted_scatter.wgsl: s[(c, a), b] = Σ_i γ[i, c] (x[i, first + a] − μ[c, first + a]) x[i, b]
//   x: [m, d], gamma: [m, k], means: [k, d] -> s: [k·width, first + width], row-major f32.
//   Error ≤ (m + 3) ULP of Σ |γ| (|x| + |μ|) |x|.
//   The head of a product (see product.wgsl) with the factors (γ (x − μ))ᵀ and x.

struct Params { m: u32, d: u32, k: u32, first: u32, width: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> gamma: array<f32>;
@group(0) @binding(2) var<storage, read> means: array<f32>;
@group(0) @binding(3) var<storage, read_write> s: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const A_ALONG_DEPTH = false;
const B_ALONG_DEPTH = false;
const ONES = 0u;

fn rows() -> u32 { return params.k * params.width; }
fn columns() -> u32 { return params.first + params.width; }
fn depth() -> u32 { return params.m; }

fn a_at(i: u32, p: u32) -> f32 {
  let c = i / params.width;
  let j = params.first + i - c * params.width;
  return gamma[p * params.k + c] * (x[p * params.d + j] - means[c * params.d + j]);
}

fn b_at(p: u32, j: u32) -> f32 { return x[p * params.d + j]; }

fn store(i: u32, j: u32, sum: f32) {
  s[i * columns() + j] = sum;
}
