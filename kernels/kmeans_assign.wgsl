// kmeans_assign.wgsl: labels[r, first + i] = argmin_j ‖x_i − c_rj‖², and that distance
//   points: [n, d], the chunk from `first`, centroids: [runs, k, d], state: [runs, 4]
//   -> labels, distances: [runs, total]; a run that is done, state[r, 1] ≠ 0, is left alone
//   One invocation a point and run, eight centroids at a time, by direct differences: relative
//   error at most (d + 3) u, and equal centroids tie exactly, to the lowest.

struct Params {
  n: u32,
  first: u32,
  total: u32,
  d: u32,
  k: u32,
  runs: u32,
}

@group(0) @binding(0) var<storage, read> points: array<f32>;
@group(0) @binding(1) var<storage, read> centroids: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;
@group(0) @binding(4) var<storage, read_write> distances: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;
const TILE = 8u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = id.x + id.y * groups.x;
  let d = params.d;
  let k = params.k;
  // The runs of the same points are neighbours, and share the cache.
  let run = group % params.runs;
  let i = (group / params.runs) * WORKGROUP + lane;
  if (i >= params.n || state[4u * run + 1u] != 0.0) {
    return;
  }
  var label = 0u;
  var nearest = 0.0;
  for (var first = 0u; first < k; first += TILE) {
    // Past the last centroid the tile repeats it; those distances are not used.
    let tile = vec4u(first, first + 1u, first + 2u, first + 3u);
    let low = (run * k + min(tile, vec4u(k - 1u))) * d;
    let high = (run * k + min(tile + 4u, vec4u(k - 1u))) * d;
    var sum_low = vec4f(0.0);
    var sum_high = vec4f(0.0);
    for (var j = 0u; j < d; j++) {
      let x = points[i * d + j];
      let a = low + j;
      let b = high + j;
      let e = x - vec4f(centroids[a.x], centroids[a.y], centroids[a.z], centroids[a.w]);
      let f = x - vec4f(centroids[b.x], centroids[b.y], centroids[b.z], centroids[b.w]);
      sum_low += e * e;
      sum_high += f * f;
    }
    var squared = array<f32, TILE>(
      sum_low.x, sum_low.y, sum_low.z, sum_low.w, sum_high.x, sum_high.y, sum_high.z, sum_high.w,
    );
    for (var l = 0u; l < min(TILE, k - first); l++) {
      if (first + l == 0u || squared[l] < nearest) {
        nearest = squared[l];
        label = first + l;
      }
    }
  }
  labels[run * params.total + params.first + i] = label;
  distances[run * params.total + params.first + i] = nearest;
}
