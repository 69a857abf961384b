// dense_weight_gradient.wgsl: dw = xᵀ · dy, db = 1ᵀ · dy
//   x: [m, k], dy: [m, n] -> dw: [k, n], db: [n], row-major f32.
//   BIAS 1: the row of ones under xᵀ gives db. BIAS 0: db is one unused element.
//   Error ≤ (m + 1) ULP of Σ|x||dy|.
//   The head of a product (see product.wgsl) with the factors xᵀ and dy.

struct Params { m: u32, k: u32, n: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> db: array<f32>;
@group(0) @binding(3) var<storage, read_write> dw: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override BIAS: u32 = 0u;

const A_ALONG_DEPTH = false;
const B_ALONG_DEPTH = false;
override ONES: u32 = BIAS;

fn rows() -> u32 { return params.k; }
fn columns() -> u32 { return params.n; }
fn depth() -> u32 { return params.m; }
fn a_at(i: u32, p: u32) -> f32 { return x[p * params.k + i]; }
fn b_at(p: u32, j: u32) -> f32 { return dy[p * params.n + j]; }

fn store(i: u32, j: u32, sum: f32) {
  if (i < params.k) {
    dw[i * params.n + j] = sum;
  } else {
    db[j] = sum;
  }
}
