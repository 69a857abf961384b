// accumulate.wgsl: total[index] ← total[index] + scale · x
//   total: [any], x: [1]. One invocation.

struct Params { index: u32, scale: f32 }

@group(0) @binding(0) var<storage, read_write> total: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) {
  if (id.x + id.y == 0u) {
    total[params.index] += params.scale * x[0];
  }
}
