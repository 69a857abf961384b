// interpolate.wgsl: y_i = t_i a_i + (1 − t_i) b_j,  j = REVERSE ? n − 1 − i : i
//   a, b: [n, w], t: [n] -> y: [n, w]
//   One invocation makes one element. Three roundings of terms at most |a|, |b| for t in [0, 1].

override REVERSE: u32 = 0u;

struct Params {
  n: u32,
  w: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read> t: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform> params: Params;

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
  let i = element / params.w;
  var j = i;
  if (REVERSE == 1u) {
    j = params.n - 1u - i;
  }
  y[element] = t[i] * a[element] + (1.0 - t[i]) * b[j * params.w + element % params.w];
}
