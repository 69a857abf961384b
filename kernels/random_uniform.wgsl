// random_uniform.wgsl: y[i] = low + (high − low) · u[i], u a multiple of 2⁻²⁴ in [0, 1)
//   step: [1] -> y: [n]. u is the upper 24 bits of word i & 1 of Threefry-2x32-20 with key
//   (seed, stream) and counter (i >> 1, step). One invocation makes two neighbours.

struct Params { n: u32, seed: u32, stream: u32, low: f32, high: f32 }

@group(0) @binding(0) var<storage, read> step: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;

fn uniform_real(bits: u32) -> f32 {
  return params.low + (params.high - params.low) * (f32(bits >> 8u) * 0x1p-24f);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let pair = (id.x + id.y * groups.x) * WORKGROUP + lane;
  let i = 2u * pair;
  if (i >= params.n) {
    return;
  }
  let words = threefry2x32(vec2u(params.seed, params.stream), vec2u(pair, step[0]));
  y[i] = uniform_real(words.x);
  if (i + 1u < params.n) {
    y[i + 1u] = uniform_real(words.y);
  }
}
