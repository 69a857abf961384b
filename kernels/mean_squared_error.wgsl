// mean_squared_error.wgsl: partial[j] = Σ (p − t)² over block j, g = scale · (p − t)
//   p, t, g: [n], partial: [⌈n / block⌉]. GRADIENT 0: g is one unused element.
//   One workgroup a block: each invocation adds every 256th square in order, then a tree of 8
//   levels adds the invocations' sums. Error ≤ (block / 256 + 11) ULP relative.

struct Params { n: u32, block: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> p: array<f32>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> g: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

override GRADIENT: u32 = 1u;

const WORKGROUP = 256u;

var<workgroup> sums: array<f32, WORKGROUP>;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let j = id.x + id.y * groups.x;
  // The number of blocks, without passing 2³² where block is large.
  if (j >= (params.n - 1u) / params.block + 1u) {
    return;
  }
  let start = j * params.block;
  let stop = start + min(params.block, params.n - start);
  var sum = 0.0;
  for (var i = start + lane; i < stop; i += WORKGROUP) {
    let difference = p[i] - t[i];
    sum += difference * difference;
    if (GRADIENT == 1u) {
      g[i] = params.scale * difference;
    }
  }
  sums[lane] = sum;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
  if (lane == 0u) {
    partial[j] = sums[0];
  }
}
