// kmeans_seed_distance.wgsl: distances to the nearest centre, if each candidate were chosen
//   points: [n, d], the chunk from `first`, candidates: [runs, trials, d], round: [1], best: [runs]
//   -> distances: [2, runs, trials, total], of which rounds write the halves in turn, and read the
//   other one; partials: [runs·trials, ⌈total/256⌉], their sums over blocks of 256 points
//   One workgroup makes a block of one run's distances to four candidates, one point an invocation.
//   Direct differences and a tree of 8 levels: relative error at most (d + 11) u.

struct Params {
  n: u32,
  first: u32,
  total: u32,
  d: u32,
  runs: u32,
  trials: u32,
}

@group(0) @binding(0) var<storage, read> points: array<f32>;
@group(0) @binding(1) var<storage, read> candidates: array<f32>;
@group(0) @binding(2) var<storage, read> round: array<u32>;
@group(0) @binding(3) var<storage, read> best: array<u32>;
@group(0) @binding(4) var<storage, read_write> distances: array<f32>;
@group(0) @binding(5) var<storage, read_write> partials: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 256u;
const TILE = 4u;

var<workgroup> sums: array<vec4f, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = id.x + id.y * groups.x;
  let d = params.d;
  let trials = params.trials;
  let total = params.total;
  let tiles = (trials + TILE - 1u) / TILE;
  let block = group / (params.runs * tiles);
  if (block * WORKGROUP >= params.n) {
    return;
  }
  let half_size = params.runs * trials * total;
  let current = (round[0] & 1u) * half_size;
  let previous = half_size - current;
  let run = (group / tiles) % params.runs;
  let trial = (group % tiles) * TILE;
  let i = block * WORKGROUP + lane;
  var nearest = vec4f(0.0);
  if (i < params.n) {
    // Past the last trial the tile repeats it; those distances are not stored.
    let tile = min(vec4u(trial, trial + 1u, trial + 2u, trial + 3u), vec4u(trials - 1u));
    let row = (run * trials + tile) * d;
    for (var j = 0u; j < d; j++) {
      let at = row + j;
      let e = points[i * d + j] -
        vec4f(candidates[at.x], candidates[at.y], candidates[at.z], candidates[at.w]);
      nearest += e * e;
    }
    if (round[0] != 0u) {
      let place = previous + (run * trials + best[run]) * total + params.first + i;
      let known = vec4f(distances[place]);
      // Not min(): it may drop the NaN of a point that has one.
      nearest = select(nearest, known, known < nearest);
    }
    for (var l = 0u; l < min(TILE, trials - trial); l++) {
      distances[current + (run * trials + trial + l) * total + params.first + i] = nearest[l];
    }
  }
  sums[lane] = nearest;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
    workgroupBarrier();
  }
  if (lane < min(TILE, trials - trial)) {
    let blocks = (total + WORKGROUP - 1u) / WORKGROUP;
    let place = (run * trials + trial + lane) * blocks + params.first / WORKGROUP + block;
    partials[place] = sums[0][lane];
  }
}
