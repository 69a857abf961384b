// augment.wgsl: images resampled under a rotation, a shift and a linear map
//   x: [n, height·width·channels], t: [n, 3] = (angle in radians, |angle| ≤ π, row and column shift), or
//   [n, 7] with E row by row behind them; without, E = 0
//   -> y: as x;  y(o) = x(R(θ)(I + E)(o − c + t) + c) in every channel, bilinear, nearest edge outside
//   One invocation makes all channels of one pixel. With e the largest entry of E, coordinates are off by at most
//   30 u (1 + 2e) (height + width + 2 |shift|).

struct Params {
  n: u32,
  height: u32,
  width: u32,
  channels: u32,
  columns: u32,
}

@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

const WORKGROUP = 64u;

// π/2 in two parts; the first has 8 bits, so that its small multiples are exact.
const QUARTER_HIGH = 1.5703125;
const QUARTER_LOW = 0.00048382679489661923;
const TWO_OVER_PI = 0.63661977236758134;

// (cos θ, sin θ) within 8 u for |θ| ≤ π, where the built-in functions promise 2⁻¹¹: the angle less
// its quarter turns, in [−π/4, π/4], and Taylor's polynomials there, whose remainders are below
// (π/4)¹²/12! = 1.2e-10 and (π/4)¹¹/11! = 1.8e-9.
fn cosine_sine(theta: f32) -> vec2f {
  let quarters = round(theta * TWO_OVER_PI);
  let r = (theta - quarters * QUARTER_HIGH) - quarters * QUARTER_LOW;
  let s = r * r;
  let cosine = 1.0 +
    s * (-1.0 / 2.0 + s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s * (1.0 / 40320.0 - s / 3628800.0))));
  let sine = r +
    r * s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s * (1.0 / 362880.0))));
  switch (i32(quarters) & 3) {
    case 0: {
      return vec2f(cosine, sine);
    }
    case 1: {
      return vec2f(-sine, cosine);
    }
    case 2: {
      return vec2f(-cosine, -sine);
    }
    default: {
      return vec2f(sine, -cosine);
    }
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let pixels = params.height * params.width;
  let element = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (element >= params.n * pixels) {
    return;
  }
  let i = element / pixels;
  let pixel = element % pixels;
  let transform = params.columns * i;
  let rotation = cosine_sine(t[transform]);
  let last = vec2f(f32(params.height - 1u), f32(params.width - 1u));
  let centre = 0.5 * last;
  let output = vec2f(f32(pixel / params.width), f32(pixel % params.width));
  var shifted = output - centre + vec2f(t[transform + 1u], t[transform + 2u]);
  if (params.columns > 3u) {
    shifted += vec2f(
      t[transform + 3u] * shifted.x + t[transform + 4u] * shifted.y,
      t[transform + 5u] * shifted.x + t[transform + 6u] * shifted.y,
    );
  }
  let turned = vec2f(
    rotation.x * shifted.x - rotation.y * shifted.y,
    rotation.y * shifted.x + rotation.x * shifted.y,
  );
  let input = clamp(turned + centre, vec2f(0.0), last);
  let corner = floor(input);
  let fraction = input - corner;
  let row = u32(corner.x);
  let column = u32(corner.y);
  let top = i * pixels + row * params.width;
  let bottom = i * pixels + min(row + 1u, params.height - 1u) * params.width;
  let right = min(column + 1u, params.width - 1u);
  for (var c = 0u; c < params.channels; c += 1u) {
    let above = x[(top + column) * params.channels + c] * (1.0 - fraction.y) +
      x[(top + right) * params.channels + c] * fraction.y;
    let below = x[(bottom + column) * params.channels + c] * (1.0 - fraction.y) +
      x[(bottom + right) * params.channels + c] * fraction.y;
    y[element * params.channels + c] = above * (1.0 - fraction.x) + below * fraction.x;
  }
}
