// distances.wgsl: y[j, first + i] = ‖x_i − c_j‖²
//   x: [n, d], the chunk of points from `first`, c: [k, d] -> y: [k, total]
//   One invocation makes the distances of one point to eight centroids, by direct differences:
//   relative error at most (d + 3) u.

struct Params {
  n: u32,
  first: u32,
  total: u32,
  d: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

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
  let tiles = (k + TILE - 1u) / TILE;
  let i = (group / tiles) * WORKGROUP + lane;
  let first = (group % tiles) * TILE;
  if (i >= params.n) {
    return;
  }
  // Past the last centroid the tile repeats it; those distances are not used.
  let low = min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(k - 1u)) * d;
  let high = min(vec4u(first + 4u, first + 5u, first + 6u, first + 7u), vec4u(k - 1u)) * d;
  var sum_low = vec4f(0.0);
  var sum_high = vec4f(0.0);
  for (var j = 0u; j < d; j++) {
    let value = x[i * d + j];
    let e = value - vec4f(c[low.x + j], c[low.y + j], c[low.z + j], c[low.w + j]);
    let f = value - vec4f(c[high.x + j], c[high.y + j], c[high.z + j], c[high.w + j]);
    sum_low += e * e;
    sum_high += f * f;
  }
  var squared = array<f32, TILE>(
    sum_low.x, sum_low.y, sum_low.z, sum_low.w, sum_high.x, sum_high.y, sum_high.z, sum_high.w,
  );
  for (var l = 0u; l < min(TILE, k - first); l++) {
    y[(first + l) * params.total + params.first + i] = squared[l];
  }
}
