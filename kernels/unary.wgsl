// unary.wgsl: y = f(x)
//   x: [n] -> y: [n]. OP: 0 x, 1 a · x + b, 2 ReLU, 3 exp, 4 log, 5 √x, 6 x², 7 1 / x, 8 sigmoid,
//   9 tanh, 10 |x|, 11 sign, 12 sin, 13 cos, 14 softplus. NaN gives NaN. One invocation an element.
//   Accuracy: WGSL's own for exp, log, √ and ÷; sigmoid, tanh and softplus follow from exp; sin and
//   cos, which WGSL lets err by 2⁻¹¹, are computed here to 8 ULP of 1 for |x| ≤ 8192.

struct Params { n: u32, a: f32, b: f32 }

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

override OP: u32 = 0u;

const WORKGROUP = 64u;

// By its bits: compilers may take v != v for false.
fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

// exp's argument is never positive: nothing overflows.
fn sigmoid(v: f32) -> f32 {
  let e = exp(-abs(v));
  return select(e, 1.0, v >= 0.0) / (1.0 + e);
}

fn hyperbolic_tangent(v: f32) -> f32 {
  if (abs(v) < 0.25) {
    // The Taylor series: its first term left out is below 10⁻⁸ of the result.
    let s = v * v;
    return v
      * (1.0 + s * (-1.0 / 3.0 + s * (2.0 / 15.0 + s * (-17.0 / 315.0 + s * (62.0 / 2835.0)))));
  }
  let e = exp(-2.0 * abs(v));
  return sign(v) * ((1.0 - e) / (1.0 + e));
}

// sin(v + quarters · π/2): v is reduced to r in [−π/4, π/4] by q quarter turns. π/2 is the sum of
// three constants of which the first two have few enough bits for exact products with |q| < 2¹³.
fn sine(v: f32, quarters: i32) -> f32 {
  let q = round(v * 0.636619772);
  let r = ((v - q * 1.5703125) - q * 0.0004837512969970703) - q * 7.549789948768648e-8;
  let s = r * r;
  let turn = (i32(q) + quarters) & 3;
  let odd = r * (1.0 - s / 6.0 * (1.0 - s / 20.0 * (1.0 - s / 42.0 * (1.0 - s / 72.0))));
  let even = 1.0
    - s / 2.0 * (1.0 - s / 12.0 * (1.0 - s / 30.0 * (1.0 - s / 56.0 * (1.0 - s / 90.0))));
  let value = select(odd, even, (turn & 1) == 1);
  return select(value, -value, turn >= 2);
}

// log(1 + e) for 0 ≤ e ≤ 1 as 2 artanh(e / (2 + e)): WGSL's log may err by 2⁻²¹ where its argument is
// near 1. The series' first term left out is below 2·10⁻⁹ of the result.
fn log_one_plus(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let t = s * s;
  let high = 1.0 / 9.0 + t * (1.0 / 11.0 + t * (1.0 / 13.0 + t / 15.0));
  return 2.0 * s * (1.0 + t * (1.0 / 3.0 + t * (1.0 / 5.0 + t * (1.0 / 7.0 + t * high))));
}

fn apply(v: f32) -> f32 {
  switch OP {
    case 0u: { return v; }
    case 1u: { return params.a * v + params.b; }
    case 2u: { return select(v, 0.0, v < 0.0); }
    case 3u: { return exp(v); }
    case 4u: { return log(v); }
    case 5u: { return sqrt(v); }
    case 6u: { return v * v; }
    case 7u: { return 1.0 / v; }
    case 8u: { return sigmoid(v); }
    case 9u: { return hyperbolic_tangent(v); }
    case 10u: { return abs(v); }
    case 11u: { return sign(v); }
    case 12u: { return sine(v, 0); }
    case 13u: { return sine(v, 1); }
    default: { return max(v, 0.0) + log_one_plus(exp(-abs(v))); }
  }
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
  let v = x[i];
  var result = apply(v);
  if (is_nan(v)) {
    result = v;
  }
  y[i] = result;
}
