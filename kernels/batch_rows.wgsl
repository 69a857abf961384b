// batch_rows.wgsl: the row numbers of a step's batch
//   step: [1] -> rows: [count], with s = step mod batches, start = s·batch
//   mode 0: (start + i) mod total
//   mode 1: π((start + i) mod total), π a permutation of [0, total) for each epoch ⌊step / batches⌋
//   mode 2: start + π(i), π a permutation of [0, count) for each step
//   One invocation makes one row number. Integers only: exact.

struct Params {
  count: u32,
  total: u32,
  batch: u32,
  batches: u32,
  mode: u32,
  seed: u32,
  stream: u32,
}

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read_write> rows: array<u32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

// A Feistel network of four rounds on the smallest even number of bits that holds size − 1, walked
// until it falls below size: a bijection of [0, size) whatever the round function.
fn permute(index: u32, size: u32, tweak: u32) -> u32 {
  let half = max(1u, (33u - countLeadingZeros(size - 1u)) / 2u);
  let mask = (1u << half) - 1u;
  var value = index;
  loop {
    var left = value >> half;
    var right = value & mask;
    for (var round = 0u; round < 4u; round++) {
      let key = vec2u(params.seed, params.stream);
      let mixed = left ^ (threefry2x32(key, vec2u((round << 16u) | right, tweak)).x & mask);
      left = right;
      right = mixed;
    }
    value = (left << half) | right;
    if (value < size) {
      break;
    }
  }
  return value;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (i >= params.count) {
    return;
  }
  let start = (step[0] % params.batches) * params.batch;
  if (params.mode == 1u) {
    rows[i] = permute((start + i) % params.total, params.total, step[0] / params.batches);
  } else if (params.mode == 2u) {
    rows[i] = start + permute(i, params.count, step[0]);
  } else {
    rows[i] = (start + i) % params.total;
  }
}
