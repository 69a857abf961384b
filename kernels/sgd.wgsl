// sgd.wgsl: v ← momentum · v − learningRate · g;  w ← w + v
//   w, g, v: [n]. One invocation an element.

struct Params { n: u32, learningRate: f32, momentum: f32 }

@group(0) @binding(0) var<storage, read_write> w: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> v: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

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
  let velocity = params.momentum * v[i] - params.learningRate * g[i];
  v[i] = velocity;
  w[i] += velocity;
}
