// confidence.wgsl: labels_i = argmax_j q_ij, ties to the lowest;
//   mask_i = 1 where q_(1) > β₁ and q_(1) − q_(2) > β₂, else 0; q_(2) = 0 for k = 1
//   q: [n, k], thresholds: [2] = (β₁, β₂) -> labels, mask: [n]
//   One invocation a row.

struct Params {
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> thresholds: array<f32>;
@group(0) @binding(2) var<storage, read_write> labels: array<u32>;
@group(0) @binding(3) var<storage, read_write> mask: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (i >= params.n) {
    return;
  }
  let row = i * params.k;
  var label = 0u;
  var first = q[row];
  var second = 0.0;
  for (var j = 1u; j < params.k; j++) {
    let value = q[row + j];
    if (value > first) {
      second = first;
      first = value;
      label = j;
    } else if (j == 1u || value > second) {
      second = value;
    }
  }
  labels[i] = label;
  mask[i] = select(0.0, 1.0, first > thresholds[0] && first - second > thresholds[1]);
}
