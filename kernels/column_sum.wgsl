// column_sum.wgsl: y[o, p, i] = Σ x[o, r, i] over the rows r of block p
//   x: [outer, n, inner] -> y: [outer, ⌈n / block⌉, inner].
//   One invocation a result adds its rows in order: error ≤ block ULP of Σ|x|.

struct Params { outer: u32, n: u32, inner: u32, block: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let result = (id.x + id.y * groups.x) * WORKGROUP + lane;
  let blocks = (params.n - 1u) / params.block + 1u;
  if (result >= params.outer * blocks * params.inner) {
    return;
  }
  let i = result % params.inner;
  let p = result / params.inner % blocks;
  let o = result / params.inner / blocks;
  let start = p * params.block;
  let stop = start + min(params.block, params.n - start);
  var sum = 0.0;
  for (var row = start; row < stop; row++) {
    sum += x[(o * params.n + row) * params.inner + i];
  }
  y[result] = sum;
}
