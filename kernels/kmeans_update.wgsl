// kmeans_update.wgsl: new centroids, the move of an empty cluster, convergence
//   sums: [runs, blocks, k, d + 1], farthest: [runs, d], farthestDistance: [runs], tolerance: [1]
//   -> centroids: [runs, k, d], state: [runs, 4] = (shift, done, iterations, empty clusters)
//   One workgroup a run; a run that is done is left alone. Blocks are added in order, the shift in
//   256 strands and a tree.

struct Params {
  runs: u32,
  blocks: u32,
  k: u32,
  d: u32,
}

@group(0) @binding(0) var<storage, read> sums: array<f32>;
@group(0) @binding(1) var<storage, read> farthest: array<f32>;
@group(0) @binding(2) var<storage, read> farthestDistance: array<f32>;
@group(0) @binding(3) var<storage, read_write> centroids: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;
@group(0) @binding(5) var<storage, read> tolerance: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 256u;
const NONE = 0xffffffffu;

var<workgroup> done: u32;
var<workgroup> empty: atomic<u32>;
var<workgroup> lowest_empty: atomic<u32>;
var<workgroup> shifts: array<f32, WORKGROUP>;

// Σ_b sums[run, b, cluster, column]
fn block_sum(run: u32, cluster: u32, column: u32) -> f32 {
  let stride = params.k * (params.d + 1u);
  var place = run * params.blocks * stride + cluster * (params.d + 1u) + column;
  var sum = 0.0;
  for (var b = 0u; b < params.blocks; b++) {
    sum += sums[place];
    place += stride;
  }
  return sum;
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
  let k = params.k;
  let d = params.d;
  if (lane == 0u) {
    done = u32(state[4u * run + 1u] != 0.0);
    atomicStore(&empty, 0u);
    atomicStore(&lowest_empty, NONE);
  }
  if (workgroupUniformLoad(&done) != 0u) {
    return;
  }

  for (var j = lane; j < k; j += WORKGROUP) {
    if (block_sum(run, j, d) == 0.0) {
      atomicAdd(&empty, 1u);
      atomicMin(&lowest_empty, j);
    }
  }
  workgroupBarrier();
  var moved = NONE;
  if (farthestDistance[run] > 0.0) {
    moved = atomicLoad(&lowest_empty);
  }

  var shift = 0.0;
  for (var element = lane; element < k * d; element += WORKGROUP) {
    let j = element / d;
    let column = element % d;
    let count = block_sum(run, j, d);
    if (count == 0.0 && j != moved) {
      continue;
    }
    var value = farthest[run * d + column];
    if (count != 0.0) {
      value = block_sum(run, j, column) / count;
    }
    let place = run * k * d + element;
    let change = value - centroids[place];
    shift += change * change;
    centroids[place] = value;
  }
  shifts[lane] = shift;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      shifts[lane] += shifts[lane + half];
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    state[4u * run] = shifts[0];
    state[4u * run + 1u] = select(0.0, 1.0, shifts[0] <= tolerance[0] && moved == NONE);
    state[4u * run + 2u] += 1.0;
    state[4u * run + 3u] = f32(atomicLoad(&empty));
  }
}
