// running_means.wgsl: for the rows i in order, with k = labels_i:
//   counts_k ← counts_k + 1; means_k ← means_k + (z_i − means_k) / counts_k
//   z: [n, p], labels: [n] -> counts: [k], means: [k, p], both updated
//   One workgroup a cluster, an invocation a column: it goes through all labels in order and moves
//   its mean by the rows of the cluster. At most n updates, each of three roundings.

struct Params {
  n: u32,
  p: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> means: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let cluster = id.x + id.y * groups.x;
  if (cluster >= params.k) {
    return;
  }
  let before = counts[cluster];
  // All invocations have read the count before one writes it.
  storageBarrier();
  var count = before;
  for (var j = lane; j < params.p; j += WORKGROUP) {
    count = before;
    var mean = means[cluster * params.p + j];
    for (var i = 0u; i < params.n; i++) {
      if (labels[i] == cluster) {
        count++;
        mean += (z[i * params.p + j] - mean) / f32(count);
      }
    }
    means[cluster * params.p + j] = mean;
  }
  if (lane == 0u) {
    counts[cluster] = count;
  }
}
