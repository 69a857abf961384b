// nearest_neighbours.wgsl: the k rows nearest to each query, without the query's own
//   queries: [queries, d], numbers: [queries], points: [n, d], the chunk from row `first`
//   -> rows, squared: [queries, k], nearest first, ties to the lowest row
//   One invocation a query, eight rows at a time, by direct differences: relative error at most
//   (d + 3) u. The selection stays in its place; few rows get into it.

struct Params {
  queries: u32,
  n: u32,
  first: u32,
  d: u32,
  k: u32,
}

@group(0) @binding(0) var<storage, read> queries: array<f32>;
@group(0) @binding(1) var<storage, read> numbers: array<u32>;
@group(0) @binding(2) var<storage, read> points: array<f32>;
@group(0) @binding(3) var<storage, read_write> rows: array<u32>;
@group(0) @binding(4) var<storage, read_write> squared: array<f32>;
@group(0) @binding(5) var<uniform> params: Params;

const WORKGROUP = 64u;
const TILE = 8u;
const NO_ROW = 0xffffffffu;
const FARTHEST = 0x1.fffffep+127f;

// By its bits: compilers may give either answer to a comparison with NaN.
fn is_nan(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
}

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let query = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if (query >= params.queries) {
    return;
  }
  let d = params.d;
  let n = params.n;
  let start = query * params.k;
  let last = start + params.k - 1u;
  let own = numbers[query];
  if (params.first == 0u) {
    for (var place = start; place <= last; place++) {
      rows[place] = NO_ROW;
      squared[place] = FARTHEST;
    }
  }
  var worst = squared[last];
  for (var first = 0u; first < n; first += TILE) {
    // Past the last row the tile repeats it; those distances are not used.
    let low = min(vec4u(first, first + 1u, first + 2u, first + 3u), vec4u(n - 1u)) * d;
    let high = min(vec4u(first + 4u, first + 5u, first + 6u, first + 7u), vec4u(n - 1u)) * d;
    var sum_low = vec4f(0.0);
    var sum_high = vec4f(0.0);
    for (var j = 0u; j < d; j++) {
      let x = queries[query * d + j];
      let e = x - vec4f(points[low.x + j], points[low.y + j], points[low.z + j], points[low.w + j]);
      let f = x -
        vec4f(points[high.x + j], points[high.y + j], points[high.z + j], points[high.w + j]);
      sum_low += e * e;
      sum_high += f * f;
    }
    var found = array<f32, TILE>(
      sum_low.x, sum_low.y, sum_low.z, sum_low.w, sum_high.x, sum_high.y, sum_high.z, sum_high.w,
    );
    for (var l = 0u; l < min(TILE, n - first); l++) {
      let distance = found[l];
      let row = params.first + first + l;
      if (distance < worst && row != own && !is_nan(distance)) {
        var place = last;
        while (place > start && distance < squared[place - 1u]) {
          rows[place] = rows[place - 1u];
          squared[place] = squared[place - 1u];
          place--;
        }
        rows[place] = row;
        squared[place] = distance;
        worst = squared[last];
      }
    }
  }
}
