// softmax.wgsl: eˣ relative to its row: MODE 0 softmax, 1 its logarithm, 2 the logarithm of Σ eˣ
//   x: [n, k] -> y: [n, k], or [n] for MODE 2. One invocation makes one row.
//   Exponents are relative to the row's maximum: neither overflow nor 0/0. −∞ has weight 0; a row
//   whose maximum is NaN or infinite is NaN, told by bits, because compilers may assume neither.

override MODE: u32 = 0u;

struct Params {
  n: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
const INFINITY_BITS = 0x7f800000u;

fn magnitude_bits(v: f32) -> u32 {
  return bitcast<u32>(v) & 0x7fffffffu;
}

fn is_minus_infinity(v: f32) -> bool {
  return bitcast<u32>(v) == (INFINITY_BITS | 0x80000000u);
}

fn weight(v: f32, largest: f32) -> f32 {
  return select(exp(v - largest), 0.0, is_minus_infinity(v));
}

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
  let k = params.k;
  let row = i * k;
  var largest = x[row];
  for (var j = 1u; j < k; j++) {
    let v = x[row + j];
    if (magnitude_bits(v) > INFINITY_BITS || v > largest) {
      largest = v;
    }
    if (magnitude_bits(largest) > INFINITY_BITS) {
      break;
    }
  }
  if (magnitude_bits(largest) >= INFINITY_BITS) {
    // A variable, because a constant expression must not be NaN.
    var nan_bits = 0x7fc00000u;
    if (MODE == 2u) {
      y[i] = bitcast<f32>(nan_bits);
      return;
    }
    for (var j = 0u; j < k; j++) {
      y[row + j] = bitcast<f32>(nan_bits);
    }
    return;
  }
  var total = 0.0;
  for (var j = 0u; j < k; j++) {
    total += weight(x[row + j], largest);
  }
  if (MODE == 2u) {
    y[i] = largest + log(total);
    return;
  }
  for (var j = 0u; j < k; j++) {
    let v = x[row + j];
    if (MODE == 1u) {
      y[row + j] = select((v - largest) - log(total), v, is_minus_infinity(v));
    } else {
      y[row + j] = weight(v, largest) / total;
    }
  }
}
