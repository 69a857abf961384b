// gather.wgsl: y[i] = x[rows[i] − first] where first ≤ rows[i] < first + chunkRows
//   x: [chunkRows, w], rows: [n] -> y: [n, w], 32-bit words moved verbatim
//   One invocation moves one element; rows outside the chunk leave y as it is.

struct Params {
  n: u32,
  w: u32,
  first: u32,
  chunkRows: u32,
}

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> rows: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let element = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (element >= params.n * params.w) {
    return;
  }
  let row = rows[element / params.w];
  if (row >= params.first && row - params.first < params.chunkRows) {
    y[element] = x[(row - params.first) * params.w + element % params.w];
  }
}
