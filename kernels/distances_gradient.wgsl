// distances_gradient.wgsl: dx[i] = 2 Σ_j g_ij (x_i − c_j), the gradient of Σ g_ij ‖x_i − c_j‖²
//   x: [n, d], c: [k, d], g: [n, k], or [k, n] where TRANSPOSED is 1 -> dx: [n, d]
//   One invocation makes one element, by direct differences, and adds over j in order.

override TRANSPOSED: u32 = 0u;

struct Params {
  n: u32,
  d: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> g: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> c: array<f32>;
@group(0) @binding(3) var<storage, read_write> dx: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let e = (id.x + id.y * groups.x) * WORKGROUP + lane;
  let d = params.d;
  if (e >= params.n * d) {
    return;
  }
  let i = e / d;
  let a = e % d;
  let transposed = TRANSPOSED == 1u;
  let first = select(i * params.k, i, transposed);
  let stride = select(1u, params.n, transposed);
  let value = x[e];
  var total = 0.0;
  for (var j = 0u; j < params.k; j++) {
    total += g[first + j * stride] * (value - c[j * d + a]);
  }
  dx[e] = 2.0 * total;
}
