// dense.wgsl: y = act(x · w + b)
//   x: [m, k], w: [k, n], b: [n] -> y: [m, n], row-major f32; x has a row every `stride` elements.
//   ACT: 0 none, 1 ReLU. USE_BIAS 0: b is one unused element.
//   Error ≤ (k + 1) ULP of Σ|x||w|.
//   The head of a product (see product.wgsl) with the factors x and w.

struct Params { m: u32, k: u32, n: u32, stride: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override ACT: u32 = 0u;
override USE_BIAS: u32 = 1u;

const A_ALONG_DEPTH = true;
const B_ALONG_DEPTH = false;
const ONES = 0u;

fn rows() -> u32 { return params.m; }
fn columns() -> u32 { return params.n; }
fn depth() -> u32 { return params.k; }
fn a_at(i: u32, p: u32) -> f32 { return x[i * params.stride + p]; }
fn b_at(p: u32, j: u32) -> f32 { return w[p * params.n + j]; }

// By its bits: a negative NaN stays, which max(v, 0) need not do.
fn relu(v: f32) -> f32 {
  let bits = bitcast<u32>(v);
  return select(v, 0.0, bits >= 0x80000000u && bits <= 0xff800000u);
}

fn store(i: u32, j: u32, sum: f32) {
  var value = sum;
  if (USE_BIAS == 1u) {
    value += b[j];
  }
  if (ACT == 1u) {
    value = relu(value);
  }
  y[i * params.n + j] = value;
}
