// fold.wgsl: the sum of overlapping patches, the adjoint of unfold: x[i, row, column, a] = b[a] +
//   Σ y[(i, py, px), (ky, kx, a)] over row = py·stride + ky − padding and the same of the columns
//   y: [n·oh·ow, k·k·c], b: [c] -> x: [n, h, w, c]. USE_BIAS 0: b is one unused element.
//   One invocation makes one element; neighbours read neighbours along the channels. It adds patches
//   in order: error ≤ (⌈k / stride⌉² + 1) ULP of Σ|y| + |b|.

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

@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override USE_BIAS: u32 = 0u;

const WORKGROUP = 64u;

// The patches, first and past the last, that hold a pixel at `place` behind the padding's edge.
fn patches_at(place: u32, count: u32) -> vec2u {
  var first = 0u;
  if (place >= params.k) {
    first = (place - params.k) / params.stride + 1u;
  }
  return vec2u(first, min(place / params.stride + 1u, count));
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let e = (id.x + id.y * groups.x) * WORKGROUP + lane;
  let pixel = e / params.c;
  if (pixel >= params.n * params.h * params.w) {
    return;
  }
  let a = e % params.c;
  let line = pixel / params.w;
  let left = pixel % params.w + params.padding;
  let top = line % params.h + params.padding;
  let i = line / params.h;
  let down = patches_at(top, params.oh);
  let across = patches_at(left, params.ow);
  var total = 0.0;
  if (USE_BIAS == 1u) {
    total = b[a];
  }
  for (var py = down.x; py < down.y; py++) {
    let ky = top - py * params.stride;
    for (var px = across.x; px < across.y; px++) {
      let kx = left - px * params.stride;
      let row = (i * params.oh + py) * params.ow + px;
      total += y[((row * params.k + ky) * params.k + kx) * params.c + a];
    }
  }
  x[e] = total;
}
