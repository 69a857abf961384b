// fuzzy_weights.wgsl: w_ij = exp(−max(0, d_ij − ρ_i)/σ_i), ρ_i the least distance above 0,
//   σ_i by bisection so that Σ_j w_ij = total, at least 10⁻³ of the row's mean distance
//   squared: [n, count] -> weights: [n, degree]
//   One invocation a row, which keeps its distances in `weights` until they are done.

struct Params {
  n: u32,
  count: u32,
  degree: u32,
  total: f32,
  mean: f32,
}

@group(0) @binding(0) var<storage, read> squared: array<f32>;
@group(0) @binding(1) var<storage, read_write> weights: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

const WORKGROUP = 64u;
const BISECTIONS = 64u;
const NEAR_ENOUGH = 1e-5;
const LEAST_SCALE = 1e-3;
const LARGEST = 3.4e38;

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
  let first = i * params.degree;
  var nearest = LARGEST;
  var distances = 0.0;
  for (var j = 0u; j < params.degree; j++) {
    let distance = sqrt(max(squared[i * params.count + j], 0.0));
    weights[first + j] = distance;
    distances += distance;
    nearest = select(nearest, min(nearest, distance), distance > 0.0);
  }
  let is_alone = nearest == LARGEST;
  for (var j = 0u; j < params.degree; j++) {
    weights[first + j] = select(max(weights[first + j] - nearest, 0.0), 0.0, is_alone);
  }
  var low = 0.0;
  var high = 0.0;
  var is_bounded = false;
  var scale = 1.0;
  for (var round = 0u; round < BISECTIONS; round++) {
    var sum = 0.0;
    for (var j = 0u; j < params.degree; j++) {
      sum += exp(-weights[first + j] / scale);
    }
    if (abs(sum - params.total) < NEAR_ENOUGH) {
      break;
    }
    if (sum > params.total) {
      high = scale;
      is_bounded = true;
    } else {
      low = scale;
    }
    scale = select(2.0 * scale, (low + high) / 2.0, is_bounded);
  }
  scale = max(
    scale,
    LEAST_SCALE * select(distances / f32(params.degree + 1u), params.mean, is_alone),
  );
  for (var j = 0u; j < params.degree; j++) {
    let beyond = weights[first + j];
    weights[first + j] = select(1.0, exp(-beyond / scale), beyond > 0.0);
  }
}
