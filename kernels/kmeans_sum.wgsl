// kmeans_sum.wgsl: per block of points, the sum and number of the points of each cluster
//   points: [n, d], the chunk from `first`, labels: [runs, total], state: [runs, 4]
//   -> sums: [runs, ⌈total/block⌉, k, d + 1], the last column the numbers; a run that is done,
//   state[r, 1] ≠ 0, is left alone
//   One workgroup makes 32 clusters × 64 columns of one run's block; an invocation goes through the
//   block's points in order and adds one column of them to its own sums: at most `block` roundings.

struct Params {
  n: u32,
  first: u32,
  total: u32,
  d: u32,
  k: u32,
  runs: u32,
  block: u32,
}

@group(0) @binding(0) var<storage, read> points: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<f32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

const WORKGROUP = 64u;
const CLUSTERS = 32u;

// Column `lane` of the tile belongs to one invocation: no barrier is needed.
var<workgroup> tile: array<f32, CLUSTERS * WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = id.x + id.y * groups.x;
  let d = params.d;
  let k = params.k;
  let column_tiles = d / WORKGROUP + 1u;
  let cluster_tiles = (k + CLUSTERS - 1u) / CLUSTERS;
  let column = (group % column_tiles) * WORKGROUP + lane;
  let cluster = ((group / column_tiles) % cluster_tiles) * CLUSTERS;
  let run = (group / (column_tiles * cluster_tiles)) % params.runs;
  let block = group / (column_tiles * cluster_tiles * params.runs);
  if (block * params.block >= params.n || column > d || state[4u * run + 1u] != 0.0) {
    return;
  }
  let clusters = min(CLUSTERS, k - cluster);
  for (var j = 0u; j < clusters; j++) {
    tile[j * WORKGROUP + lane] = 0.0;
  }
  let end = min(params.n, (block + 1u) * params.block);
  for (var i = block * params.block; i < end; i++) {
    // Labels below `cluster` wrap round to large numbers.
    let j = labels[run * params.total + params.first + i] - cluster;
    if (j < clusters) {
      var value = 1.0;
      if (column < d) {
        value = points[i * d + column];
      }
      tile[j * WORKGROUP + lane] += value;
    }
  }
  let blocks = (params.total + params.block - 1u) / params.block;
  let place = (run * blocks + params.first / params.block + block) * k + cluster;
  for (var j = 0u; j < clusters; j++) {
    sums[(place + j) * (d + 1u) + column] = tile[j * WORKGROUP + lane];
  }
}
