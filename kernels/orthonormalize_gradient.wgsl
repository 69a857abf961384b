// orthonormalize_gradient.wgsl: the gradient of a -> q, where a = l · q and q · qᵀ = I
//   q, dq: [k, p], l, dq·qᵀ: [k, k] -> da = l⁻ᵀ·(dq + s·q): [k, p]
//   with s_ij = −(dq·qᵀ)_max(i,j),min(i,j). One invocation makes one column, from the last row up.

struct Params {
  k: u32,
  p: u32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> l: array<f32>;
@group(0) @binding(2) var<storage, read> dq: array<f32>;
@group(0) @binding(3) var<storage, read> products: array<f32>;
@group(0) @binding(4) var<storage, read_write> da: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let c = (id.x + id.y * groups.x) * WORKGROUP + lane;
  let k = params.k;
  let p = params.p;
  if (c >= p) {
    return;
  }
  for (var row = k; row > 0u; row--) {
    let i = row - 1u;
    var value = dq[i * p + c];
    for (var j = 0u; j < k; j++) {
      value -= products[max(i, j) * k + min(i, j)] * q[j * p + c];
    }
    for (var j = row; j < k; j++) {
      value -= l[j * k + i] * da[j * p + c];
    }
    da[i * p + c] = value / l[i * k + i];
  }
}
