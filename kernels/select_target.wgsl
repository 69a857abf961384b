// select_target.wgsl: y_i = mask_i > ½ ? table[labels_i] : fallback_i
//   table: [k, w], labels, mask: [n], fallback: [n, w] -> y: [n, w]
//   One invocation moves one element.

struct Params {
  n: u32,
  w: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> table: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> mask: array<f32>;
@group(0) @binding(3) var<storage, read> fallback: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

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
  if (mask[i] > 0.5) {
    y[element] = table[labels[i] * params.w + element % params.w];
  } else {
    y[element] = fallback[element];
  }
}
