// reduce.wgsl: y[r, p] = Σ x[r, i] over the i of block p, or Σ x[r, i]²
//   x: [rows, n] -> y: [rows, ⌈n / block⌉]. SQUARES: 0 sums x, 1 its squares.
//   One workgroup a block: each invocation takes every 256th element in order, then a tree of 8
//   levels joins them. Errs ≤ (block / 256 + 8) ULP of Σ|x|.

struct Params { rows: u32, n: u32, block: u32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override SQUARES: u32 = 0u;

const WORKGROUP = 256u;

var<workgroup> results: array<f32, WORKGROUP>;

fn term(i: u32) -> f32 {
  return select(x[i], x[i] * x[i], SQUARES == 1u);
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let group = id.x + id.y * groups.x;
  let blocks = (params.n - 1u) / params.block + 1u;
  let row = group / blocks;
  if (row >= params.rows) {
    return;
  }
  let offset = row * params.n;
  let start = (group - row * blocks) * params.block;
  let length = min(params.block, params.n - start);
  var result = select(term(offset + start + min(lane, length - 1u)), 0.0, lane >= length);
  for (var i = lane + WORKGROUP; i < length; i += WORKGROUP) {
    result += term(offset + start + i);
  }
  results[lane] = result;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      results[lane] += results[lane + half];
    }
  }
  if (lane == 0u) {
    y[group] = results[0];
  }
}
