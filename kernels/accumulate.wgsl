// accumulate.wgsl: total[index_j] ← total[index_j] + scale_j · Σ x_j for j = 0, 1 … 5; counter += by
//   total: [any], counter: [1], x_j: [n_j]. Where n_j is 0, x_j is one unused element.
//   One workgroup: each invocation takes every 256th element in order, then a tree of 8 levels joins
//   them. Error ≤ (n_j / 256 + 10) ULP of |scale_j| Σ|x_j|, and one of the total a term.

struct Params {
  by: u32,
  n0: u32, n1: u32, n2: u32, n3: u32, n4: u32, n5: u32,
  index0: u32, index1: u32, index2: u32, index3: u32, index4: u32, index5: u32,
  scale0: f32, scale1: f32, scale2: f32, scale3: f32, scale4: f32, scale5: f32,
}

@group(0) @binding(0) var<storage, read_write> total: array<f32>;
@group(0) @binding(1) var<storage, read_write> counter: array<u32>;
@group(0) @binding(2) var<storage, read> x0: array<f32>;
@group(0) @binding(3) var<storage, read> x1: array<f32>;
@group(0) @binding(4) var<storage, read> x2: array<f32>;
@group(0) @binding(5) var<storage, read> x3: array<f32>;
@group(0) @binding(6) var<storage, read> x4: array<f32>;
@group(0) @binding(7) var<storage, read> x5: array<f32>;
@group(0) @binding(8) var<uniform> params: Params;

const WORKGROUP = 256u;

var<workgroup> first: array<vec3f, WORKGROUP>;
var<workgroup> last: array<vec3f, WORKGROUP>;

fn add(index: u32, n: u32, scaled: f32) {
  if (n > 0u) {
    total[index] += scaled;
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  if (id.x + id.y > 0u) {
    return;
  }
  var a = vec3f();
  var b = vec3f();
  for (var i = lane; i < params.n0; i += WORKGROUP) {
    a.x += x0[i];
  }
  for (var i = lane; i < params.n1; i += WORKGROUP) {
    a.y += x1[i];
  }
  for (var i = lane; i < params.n2; i += WORKGROUP) {
    a.z += x2[i];
  }
  for (var i = lane; i < params.n3; i += WORKGROUP) {
    b.x += x3[i];
  }
  for (var i = lane; i < params.n4; i += WORKGROUP) {
    b.y += x4[i];
  }
  for (var i = lane; i < params.n5; i += WORKGROUP) {
    b.z += x5[i];
  }
  first[lane] = a;
  last[lane] = b;
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      first[lane] += first[lane + half];
      last[lane] += last[lane + half];
    }
  }
  if (lane == 0u) {
    add(params.index0, params.n0, params.scale0 * first[0].x);
    add(params.index1, params.n1, params.scale1 * first[0].y);
    add(params.index2, params.n2, params.scale2 * first[0].z);
    add(params.index3, params.n3, params.scale3 * last[0].x);
    add(params.index4, params.n4, params.scale4 * last[0].y);
    add(params.index5, params.n5, params.scale5 * last[0].z);
    counter[0] += params.by;
  }
}
