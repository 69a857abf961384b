// adam.wgsl: t' = step + 1
//   m ← β1 m + (1 − β1) g,  v ← β2 v + (1 − β2) g²
//   w ← w − η · (m / (1 − β1^t')) / (√(v / (1 − β2^t')) + ε)
//   w, g, m, v: [n], step: [1]. η = learningRate, where decaySteps > 0 times
//   ½(1 + cos(π · min(step / decaySteps, 1))), or, where decayFactor > 0, times
//   max(decayFactor^⌊step / decaySteps⌋, leastShare). A workgroup of 256 updates 1024 elements.

struct Params {
  n: u32,
  learningRate: f32,
  beta1: f32,
  beta2: f32,
  epsilon: f32,
  decaySteps: u32,
  decayFactor: f32,
  leastShare: f32,
}

@group(0) @binding(0) var<storage, read_write> w: array<f32>;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>;
@group(0) @binding(3) var<storage, read_write> v: array<f32>;
@group(0) @binding(4) var<storage, read> step: array<u32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 256u;
const EACH = 4u;

// c = 1 − β^s for the leading bits s of t: doubling s gives c(2 − c), one more gives
// c + (1 − c)(1 − β). Nothing cancels, as it would in 1 − pow(β, t) for β near 1.
fn one_minus_power(beta: f32, t: u32) -> f32 {
  let d = 1.0 - beta;
  var c = 0.0;
  for (var bit = 32u - countLeadingZeros(t); bit > 0u; bit--) {
    c = c * (2.0 - c);
    if (((t >> (bit - 1u)) & 1u) == 1u) {
      c = c + (1.0 - c) * d;
    }
  }
  return c;
}

// x^n by squaring, for the bits of n from the first.
fn power(x: f32, n: u32) -> f32 {
  var result = 1.0;
  for (var bit = 32u - countLeadingZeros(n); bit > 0u; bit--) {
    result = result * result;
    if (((n >> (bit - 1u)) & 1u) == 1u) {
      result = result * x;
    }
  }
  return result;
}

// ½(1 + cos πx) = sin²(π(1 − x)/2), whose Taylor series to z¹³ is within 10⁻⁹ on [0, π/2].
fn decay(taken: u32) -> f32 {
  if (params.decaySteps == 0u) {
    return 1.0;
  }
  if (params.decayFactor > 0.0) {
    return max(power(params.decayFactor, taken / params.decaySteps), params.leastShare);
  }
  let left = params.decaySteps - min(taken, params.decaySteps);
  let z = 1.57079632679 * (f32(left) / f32(params.decaySteps));
  let s = z * z;
  let sine = z * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0
    * (1.0 - s / 110.0 * (1.0 - s / 156.0))))));
  return sine * sine;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = (id.x + id.y * groups.x) * WORKGROUP * EACH + lane;
  if (first >= params.n) {
    return;
  }
  let t = step[0] + 1u;
  let rate = params.learningRate * decay(step[0]) / one_minus_power(params.beta1, t);
  let correction = one_minus_power(params.beta2, t);
  for (var e = 0u; e < EACH; e++) {
    let i = first + e * WORKGROUP;
    if (i < params.n) {
      let gradient = g[i];
      let mean = params.beta1 * m[i] + (1.0 - params.beta1) * gradient;
      let square = params.beta2 * v[i] + (1.0 - params.beta2) * gradient * gradient;
      m[i] = mean;
      v[i] = square;
      w[i] -= rate * mean / (sqrt(square / correction) + params.epsilon);
    }
  }
}
