/** A small kernel for tests of the machinery around kernels, and ways to break it. */
import type { Kernel, NumberArray, Params, Shader } from "../kernels/kernel.ts";
import { groupsOf, UNIT_ROUNDOFF } from "../kernels/kernel.ts";

const SOURCE = `
struct Params { n: u32, factor: f32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;
override SQUARE: u32 = 0u;
const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (id.x + id.y * groups.x) * WORKGROUP + lane;
  if i >= params.n { return; }
  y[i] = params.factor * select(x[i], x[i] * x[i], SQUARE == 1u);
}
`;

/** y = factor · x, or factor · x² where SQUARE is 1. */
export const scale: Kernel = {
  name: "scale",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [{ name: "n", type: "u32" }, { name: "factor", type: "f32" }],
  constants: { SQUARE: 0 },
  shaders: [{ file: "scale.wgsl", source: SOURCE, workgroups: ({ n }) => groupsOf(n, 64) }],
  lengths: ({ n }) => [n, n],
  extent: ({ n }) => n,
  reference([x, y]: readonly NumberArray[], { factor }: Params, { SQUARE }, begin, end) {
    for (let i = begin; i < end; i++) y[i] = factor * (SQUARE === 1 ? x[i] * x[i] : x[i]);
  },
  cases: () =>
    [0, 1, 64, 65, 1009].flatMap((n) =>
      [0, 1].map((SQUARE) => ({
        name: `${n}${SQUARE ? ", square" : ""}`,
        params: { n, factor: 0.75 },
        constants: { SQUARE },
        buffers: [{ length: n, fill: { kind: "uniform", low: -2, high: 2 } as const }, {
          length: n,
        }],
      }))
    ),
  tolerance: () => ({ absolute: 0, relative: 2 * UNIT_ROUNDOFF }),
  cost: ({ n }) => ({ flops: n, bytes: 8 * n }),
};

/** The kernel with one piece of its WGSL replaced; the piece must occur. */
export function withDefect(kernel: Kernel, piece: string, replacement: string): Kernel {
  const [shader] = kernel.shaders;
  if (!shader.source.includes(piece)) throw new Error(`${shader.file} does not contain ${piece}`);
  const broken: Shader = { ...shader, source: shader.source.replace(piece, replacement) };
  return { ...kernel, shaders: [broken] };
}
