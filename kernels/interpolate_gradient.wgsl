// interpolate_gradient.wgsl: da_i = t_i dy_i + (1 − t_j) dy_j,  j = n − 1 − i
//   dy: [n, w], t: [n] -> da: [n, w]: the adjoint of z -> interpolate(z, z, t), reversed
//   One invocation makes one element.

struct Params {
  n: u32,
  w: u32,
}

@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> da: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (element >= params.n * params.w) {
    return;
  }
  let i = element / params.w;
  let j = params.n - 1u - i;
  da[element] = t[i] * dy[element] + (1.0 - t[j]) * dy[j * params.w + element % params.w];
}
