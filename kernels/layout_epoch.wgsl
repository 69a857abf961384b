// layout_epoch.wgsl: an epoch of UMAP's descent, each row moved by its own edges
//   epoch: [1], first: [n + 1], columns, rates: [edges], positions: [n, m] -> moved: [n, m]
//   An edge acts in a share of rates/2³² of the epochs, evenly spread. One invocation moves a row;
//   it sees the others where they were before, and itself where its last eight forces have left it.
//   What differs between devices is the power's error, 2⁻²¹ and less.

struct Params {
  n: u32,
  m: u32,
  edges: u32,
  epochs: u32,
  negatives: u32,
  seed: u32,
  stream: u32,
  a: f32,
  b: f32,
}

@group(0) @binding(0) var<storage, read> epoch: array<u32>;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read> columns: array<u32>;
@group(0) @binding(3) var<storage, read> rates: array<u32>;
@group(0) @binding(4) var<storage, read> positions: array<f32>;
@group(0) @binding(5) var<storage, read_write> moved: array<f32>;
@group(0) @binding(6) var<uniform> params: Params;

const WORKGROUP = 64u;
const GROUP = 8u;
const LARGEST_MOVE = 4.0;
const NEAR = 0.001;

fn squared_distance(row: u32, other: u32) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < params.m; c++) {
    let difference = moved[row * params.m + c] - positions[other * params.m + c];
    sum += difference * difference;
  }
  return sum;
}

// The coefficient of y_i − y_j; 0 where both are in one place.
fn attraction(row: u32, other: u32) -> f32 {
  let squared = squared_distance(row, other);
  if (squared == 0.0) {
    return 0.0;
  }
  let power = pow(squared, params.b);
  return 2.0 * params.a * params.b * (power / squared) / (1.0 + params.a * power);
}

fn repulsion(row: u32, other: u32) -> f32 {
  let squared = squared_distance(row, other);
  if (squared == 0.0 || other == row) {
    return 0.0;
  }
  return 2.0 * params.b / ((NEAR + squared) * (1.0 + params.a * pow(squared, params.b)));
}

// Moves the row by a group of forces.
fn move_row(row: u32, others: array<vec4u, 2>, coefficients: array<vec4f, 2>, rate: f32) {
  let own = row * params.m;
  for (var c = 0u; c < params.m; c++) {
    let y = moved[own + c];
    var sum = vec4f(0.0);
    for (var half = 0u; half < 2u; half++) {
      let at = others[half] * params.m + c;
      let x = vec4f(positions[at.x], positions[at.y], positions[at.z], positions[at.w]);
      sum += clamp(coefficients[half] * (y - x), vec4f(-LARGEST_MOVE), vec4f(LARGEST_MOVE));
    }
    moved[own + c] = y + rate * ((sum.x + sum.y) + (sum.z + sum.w));
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (row >= params.n) {
    return;
  }
  let t = epoch[0];
  let rate = f32(params.epochs - t) / f32(params.epochs);
  for (var c = 0u; c < params.m; c++) {
    moved[row * params.m + c] = positions[row * params.m + c];
  }
  var acting = 0u;
  // Places that no force takes hold some row, and the coefficient 0.
  var others = array<vec4u, 2>(vec4u(row), vec4u(row));
  var coefficients = array<vec4f, 2>();
  for (var e = first[row]; e < first[row + 1u]; e++) {
    if ((t + 1u) * rates[e] >= rates[e]) {
      continue;
    }
    let place = acting % GROUP;
    others[place / 4u][place % 4u] = columns[e];
    coefficients[place / 4u][place % 4u] = attraction(row, columns[e]);
    acting++;
    if (place == GROUP - 1u) {
      move_row(row, others, coefficients, -rate);
      coefficients = array<vec4f, 2>();
    }
  }
  move_row(row, others, coefficients, -rate);
  let key = vec2u(params.seed, params.stream);
  let draws = params.negatives * acting;
  for (var s = 0u; s < draws; s += GROUP) {
    coefficients = array<vec4f, 2>();
    for (var place = 0u; place < min(GROUP, draws - s); place += 2u) {
      let words = threefry2x32(key, vec2u(row, (t << 16u) + (s + place) / 2u));
      let pair = words % params.n;
      others[place / 4u][place % 4u] = pair.x;
      coefficients[place / 4u][place % 4u] = repulsion(row, pair.x);
      if (s + place + 1u < draws) {
        others[place / 4u][place % 4u + 1u] = pair.y;
        coefficients[place / 4u][place % 4u + 1u] = repulsion(row, pair.y);
      }
    }
    move_row(row, others, coefficients, rate);
  }
}
