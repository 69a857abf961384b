// orthonormalize.wgsl: modified Gram–Schmidt: a = l · q with q's rows orthonormal, l lower triangular
//   a: [k, p], p >= k -> q: [k, p].
//   One workgroup; every invocation keeps to its own columns, so that only sums go between them.

struct Params {
  k: u32,
  p: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> q: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
var<workgroup> partial: array<f32, WORKGROUP>;

// Σ over the workgroup, for every invocation; in a fixed order.
fn total(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[lane] += partial[lane + half];
    }
    workgroupBarrier();
  }
  let sum = partial[0];
  workgroupBarrier();
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(local_invocation_index) lane: u32) {
  let k = params.k;
  let p = params.p;
  for (var i = 0u; i < k; i++) {
    for (var c = lane; c < p; c += WORKGROUP) {
      q[i * p + c] = a[i * p + c];
    }
    for (var j = 0u; j < i; j++) {
      var product = 0.0;
      for (var c = lane; c < p; c += WORKGROUP) {
        product += q[j * p + c] * q[i * p + c];
      }
      let r = total(product, lane);
      for (var c = lane; c < p; c += WORKGROUP) {
        q[i * p + c] -= r * q[j * p + c];
      }
    }
    var squares = 0.0;
    for (var c = lane; c < p; c += WORKGROUP) {
      squares += q[i * p + c] * q[i * p + c];
    }
    let norm = sqrt(total(squares, lane));
    for (var c = lane; c < p; c += WORKGROUP) {
      q[i * p + c] /= norm;
    }
  }
}
