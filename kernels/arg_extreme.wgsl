// arg_extreme.wgsl: the place and value of each row's extreme, ties to the lowest index
//   x: [rows, n] -> index, value: [rows];  MODE: 0 min, 1 max
//   One workgroup a row: every invocation searches a strand of it, a tree joins the strands.
//   NaN is told by its bits and never wins; a row of NaN has index 0.

override MODE: u32 = 0u;

struct Params {
  rows: u32,
  n: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> index: array<u32>;
@group(0) @binding(2) var<storage, read_write> value: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 256u;
// The index of "nothing found yet".
const NONE = 0xffffffffu;

var<workgroup> indices: array<u32, WORKGROUP>;
var<workgroup> extremes: array<f32, WORKGROUP>;

fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn beats(challenger: f32, holder: f32) -> bool {
  if (MODE == 1u) {
    return challenger > holder;
  }
  return challenger < holder;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let r = id.x + id.y * groups.x;
  if (r >= params.rows) {
    return;
  }
  let row = r * params.n;
  var best = NONE;
  var extreme = 0.0;
  for (var j = lane; j < params.n; j += WORKGROUP) {
    let v = x[row + j];
    if (!is_nan(v) && (best == NONE || beats(v, extreme))) {
      best = j;
      extreme = v;
    }
  }
  indices[lane] = best;
  extremes[lane] = extreme;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      let j = indices[lane + half];
      let v = extremes[lane + half];
      if (j != NONE) {
        let wins = beats(v, extreme) || (v == extreme && j < best);
        if (best == NONE || wins) {
          best = j;
          extreme = v;
          indices[lane] = best;
          extremes[lane] = extreme;
        }
      }
    }
    workgroupBarrier();
  }
  if (lane == 0u) {
    if (best == NONE) {
      best = 0u;
    }
    index[r] = best;
    value[r] = x[row + best];
  }
}
