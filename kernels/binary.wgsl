// binary.wgsl: y = f(a, b) over a 4-D index
//   y: [s0, s1, s2, s3] contiguous, n elements; a and b with strides a0…a3 and b0…b3, 0 where
//   broadcast. OP: 0 a + b, 1 a − b, 2 a · b, 3 a / b, 4 maximum, 5 minimum, 6 b > 0 ? a : 0 (the
//   gradient of a ReLU with output b), 7 a > b, 8 a ≥ b, 9 the cross-entropy of the logit a with the
//   target b. NaN wins in 4 and 5.
//   One invocation an element.

struct Params {
  n: u32,
  s0: u32, s1: u32, s2: u32, s3: u32,
  a0: u32, a1: u32, a2: u32, a3: u32,
  b0: u32, b1: u32, b2: u32, b3: u32,
}

@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

override OP: u32 = 0u;

const WORKGROUP = 64u;

// By its bits: compilers may take v != v for false, and a comparison with NaN for either answer.
fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

fn extreme(p: f32, q: f32) -> f32 {
  if (is_nan(p)) {
    return p;
  }
  if (is_nan(q)) {
    return q;
  }
  return select(min(p, q), max(p, q), OP == 4u);
}

// log(1 + e) for 0 ≤ e ≤ 1 as 2 artanh(e / (2 + e)): WGSL's log may err by 2⁻²¹ where its argument is
// near 1. The series' first term left out is below 2·10⁻⁹ of the result.
fn log_one_plus(e: f32) -> f32 {
  let s = e / (2.0 + e);
  let t = s * s;
  let high = 1.0 / 9.0 + t * (1.0 / 11.0 + t * (1.0 / 13.0 + t / 15.0));
  return 2.0 * s * (1.0 + t * (1.0 / 3.0 + t * (1.0 / 5.0 + t * (1.0 / 7.0 + t * high))));
}

fn apply(p: f32, q: f32) -> f32 {
  switch OP {
    case 0u: { return p + q; }
    case 1u: { return p - q; }
    case 2u: { return p * q; }
    case 3u: { return p / q; }
    case 4u, 5u: { return extreme(p, q); }
    case 6u: { return select(0.0, p, q > 0.0 && !is_nan(q)); }
    case 7u: { return select(0.0, 1.0, p > q && !is_nan(p) && !is_nan(q)); }
    case 8u: { return select(0.0, 1.0, p >= q && !is_nan(p) && !is_nan(q)); }
    default: { return (max(p, 0.0) - p * q) + log_one_plus(exp(-abs(p))); }
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
  let i3 = i % params.s3;
  let row = i / params.s3;
  let i2 = row % params.s2;
  let plane = row / params.s2;
  let i1 = plane % params.s1;
  let i0 = plane / params.s1;
  y[i] = apply(
    a[i0 * params.a0 + i1 * params.a1 + i2 * params.a2 + i3 * params.a3],
    b[i0 * params.b0 + i1 * params.b1 + i2 * params.b2 + i3 * params.b3],
  );
}
