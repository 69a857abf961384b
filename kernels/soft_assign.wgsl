// soft_assign.wgsl: q_ij = (1 + ‖z_i − c_j‖²/α)^(−(α+1)/2) / Σ_l (the same)
//   z: [n, p], c: [k, p] -> q: [n, k]
//   One invocation makes one row, its distances eight centroids at a time and kept in q. Weights
//   are relative to the nearest centroid, whose own is 1: neither overflow nor 0/0.

struct Params {
  n: u32,
  p: u32,
  k: u32,
  alpha: f32,
}

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<f32>;
@group(0) @binding(2) var<storage, read_write> q: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;
const TILE = 8u;

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
  let p = params.p;
  let k = params.k;
  var nearest = 0.0;
  for (var first = 0u; first < k; first += TILE) {
    // Past the last centroid the tile repeats it; those distances are not used.
    let low = min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(k - 1u)) * p;
    let high = min(vec4u(first + 4u, first + 5u, first + 6u, first + 7u), vec4u(k - 1u)) * p;
    var sum_low = vec4f(0.0);
    var sum_high = vec4f(0.0);
    for (var j = 0u; j < p; j++) {
      let x = z[i * p + j];
      let e = x - vec4f(c[low.x + j], c[low.y + j], c[low.z + j], c[low.w + j]);
      let f = x - vec4f(c[high.x + j], c[high.y + j], c[high.z + j], c[high.w + j]);
      sum_low += e * e;
      sum_high += f * f;
    }
    var squared = array<f32, TILE>(
      sum_low.x, sum_low.y, sum_low.z, sum_low.w, sum_high.x, sum_high.y, sum_high.z, sum_high.w,
    );
    for (var l = 0u; l < min(TILE, k - first); l++) {
      if (first + l == 0u || squared[l] < nearest) {
        nearest = squared[l];
      }
      q[i * k + first + l] = squared[l];
    }
  }
  let power = 0.5 * (params.alpha + 1.0);
  let base = 1.0 + nearest / params.alpha;
  var total = 0.0;
  for (var j = 0u; j < k; j++) {
    let ratio = base / (1.0 + q[i * k + j] / params.alpha);
    var weight = ratio;
    if (power != 1.0) {
      weight = exp(power * log(ratio));
    }
    q[i * k + j] = weight;
    total += weight;
  }
  for (var j = 0u; j < k; j++) {
    q[i * k + j] = q[i * k + j] / total;
  }
}
