// unfold.wgsl: the patches of images as rows, y[(i, py, px), (ky, kx, a)] =
//   x[i, py·stride + ky − padding, px·stride + kx − padding, a], 0 outside of the image
//   x: [n, h, w, c] -> y: [n·oh·ow, k·k·c].
//   One invocation copies one element; neighbours read neighbours along the channels and columns.

struct Params {
  n: u32,
  h: u32,
  w: u32,
  c: u32,
  k: u32,
  stride: u32,
  padding: u32,
  oh: u32,
  ow: u32,
}

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
  let e = (id.x + id.y * groups.x) * WORKGROUP + lane;
  let width = params.k * params.c;
  let patches = params.oh * params.ow;
  if (e >= params.n * patches * params.k * width) {
    return;
  }
  let line = e / width;
  let a = e % params.c;
  let kx = e % width / params.c;
  let ky = line % params.k;
  let patch_number = line / params.k;
  let px = patch_number % params.ow;
  let py = patch_number % patches / params.ow;
  // What lies before the first row or column wraps around to a large number.
  let row = py * params.stride + ky - params.padding;
  let column = px * params.stride + kx - params.padding;
  if (row < params.h && column < params.w) {
    let i = patch_number / patches;
    y[e] = x[((i * params.h + row) * params.w + column) * params.c + a];
  } else {
    y[e] = 0.0;
  }
}
