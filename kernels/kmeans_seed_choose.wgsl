// kmeans_seed_choose.wgsl: the best candidate of a k-means++ round, and the next candidates
//   distances: [2, runs, trials, total], of which the half round mod 2 counts,
//   partials: [runs·trials, blocks], sums over 256 points, round: [1]
//   -> best: [runs], chosen[:, round], candidateRows: [runs, trials], drawn ∝ distances of the best
//   One workgroup a run; invocation l draws trial l (trials ≤ 256) by passing u · potential first
//   in the blocks' sums, then in a block's distances. All sums are in a fixed order.

struct Params {
  total: u32,
  blocks: u32,
  runs: u32,
  trials: u32,
  k: u32,
  seed: u32,
  stream: u32,
}

@group(0) @binding(0) var<storage, read> distances: array<f32>;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read> round: array<u32>;
@group(0) @binding(3) var<storage, read_write> best: array<u32>;
@group(0) @binding(4) var<storage, read_write> candidateRows: array<u32>;
@group(0) @binding(5) var<storage, read_write> chosen: array<u32>;
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 256u;

var<workgroup> weights: array<f32, WORKGROUP>;
var<workgroup> drawn_blocks: array<u32, WORKGROUP>;

// The state of one draw: the first index at which the running sum passes the target, or until then
// the last index with a weight above 0, and the sum before it.
struct Draw {
  index: u32,
  before: f32,
  sum: f32,
  passed: bool,
}

// Goes on with a draw through the `count` weights in workgroup memory, numbered from `start`.
fn draw(from_state: Draw, target_sum: f32, start: u32, count: u32) -> Draw {
  var state = from_state;
  for (var i = 0u; i < count && !state.passed; i++) {
    let weight = weights[i];
    if (weight > 0.0) {
      state.index = start + i;
      state.before = state.sum;
    }
    state.sum += weight;
    state.passed = state.sum > target_sum;
  }
  return state;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let run = id.x + id.y * groups.x;
  if (run >= params.runs) {
    return;
  }
  let trials = params.trials;
  let blocks = params.blocks;
  let half_start = (round[0] & 1u) * params.runs * trials * params.total;

  var winner = 0u;
  var potential = 0.0;
  for (var l = 0u; l < trials; l++) {
    var strand = 0.0;
    for (var b = lane; b < blocks; b += WORKGROUP) {
      strand += partials[(run * trials + l) * blocks + b];
    }
    weights[lane] = strand;
    workgroupBarrier();
    for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
      if (lane < half) {
        weights[lane] += weights[lane + half];
      }
      workgroupBarrier();
    }
    if (l == 0u || weights[0] < potential) {
      potential = weights[0];
      winner = l;
    }
    workgroupBarrier();
  }
  let trial = run * trials + winner;
  if (lane == 0u) {
    best[run] = winner;
    chosen[run * params.k + round[0]] = candidateRows[trial];
  }

  let words = threefry2x32(
    vec2u(params.seed, params.stream),
    vec2u(run * trials + lane, round[0]),
  );
  let target_sum = f32(words.x >> 8u) * 0x1p-24 * potential;
  var by_block = Draw(0u, 0.0, 0.0, lane >= trials);
  for (var start = 0u; start < blocks; start += WORKGROUP) {
    if (start + lane < blocks) {
      weights[lane] = partials[trial * blocks + start + lane];
    }
    workgroupBarrier();
    by_block = draw(by_block, target_sum, start, min(WORKGROUP, blocks - start));
    workgroupBarrier();
  }
  drawn_blocks[lane] = by_block.index;
  // Also orders lane 0's read of candidateRows before the writes below.
  storageBarrier();
  workgroupBarrier();
  var row = words.y % params.total;
  for (var l = 0u; l < trials; l++) {
    let start = drawn_blocks[l] * WORKGROUP;
    if (start + lane < params.total) {
      weights[lane] = distances[half_start + trial * params.total + start + lane];
    }
    workgroupBarrier();
    if (lane == l && potential > 0.0) {
      let count = min(WORKGROUP, params.total - start);
      row = draw(Draw(start, 0.0, 0.0, false), target_sum - by_block.before, start, count).index;
    }
    workgroupBarrier();
  }
  if (lane < trials) {
    candidateRows[run * trials + lane] = row;
  }
}
