// advance.wgsl: counter ← counter + by, modulo 2³²
//   counter: [1]. One invocation.

struct Params { by: u32 }

@group(0) @binding(0) var<storage, read_write> counter: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u) {
  if (id.x + id.y == 0u) {
    counter[0] += params.by;
  }
}
