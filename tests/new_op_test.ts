/** What CONTRIBUTING says that a new op costs, counted on one: three files and two rows. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { copyTree, ROOT } from "./tree_copy.ts";

/** The files of the op. */
const FILES: Readonly<Record<string, string>> = {
  "kernels/cube.wgsl": `// cube.wgsl: y = x³
struct Params { n: u32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (id.x + id.y * groups.x) * 64u + lane;
  if (i >= params.n) { return; }
  y[i] = x[i] * x[i] * x[i];
}
`,
  "kernels/cube.ts": `
import { groupsOf, ULP } from "./kernel.ts";
import source from "./cube.wgsl" with { type: "text" };
import type { RegisteredKernel } from "./registered.ts";

/** y = x³, element by element. Params: n. */
export const cube: RegisteredKernel = {
  name: "cube",
  bindings: [
    { name: "x", type: "f32", access: "read" },
    { name: "y", type: "f32", access: "write" },
  ],
  params: [{ name: "n", type: "u32" }],
  constants: {},
  shaders: [{ file: "cube.wgsl", source, workgroups: ({ n }) => groupsOf(n, 64) }],
  lengths: ({ n }) => [n, n],
  extent: ({ n }) => n,
  reference([x, y], _params, _constants, begin, end) {
    for (let i = begin; i < end; i++) y[i] = x[i] * x[i] * x[i];
  },
  cases: () =>
    [0, 1, 65, 1000].map((n) => ({
      name: \`\${n}\`,
      params: { n },
      constants: {},
      buffers: [{ length: n, fill: { kind: "uniform", low: -2, high: 2 } }, { length: n }],
    })),
  tolerance: () => ({ absolute: 0, relative: 2 * ULP }),
  cost: ({ n }) => ({ flops: 2 * n, bytes: 8 * n }),
};
`,
  "engine/ops/cube.ts": `
import { cube as kernel } from "../../kernels/cube.ts";
import { apply, type None } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { scale } from "./affine.ts";
import { mul } from "./binary.ts";
import type { RegisteredOp } from "./registered.ts";
import { square } from "./unary.ts";

/** y = x³, element by element. */
export const cubeOp: RegisteredOp<None> = {
  name: "cube",
  memory: "value",
  infer: ([x]) => [x],
  lower: ({ inputs: [x], outputs: [y] }, emit) => emit.call(kernel, {}, { n: x.size }, [x, y]),
  gradient: ({ inputs: [x] }, [g]) => [mul(g!, scale(square(x), 3))],
  examples: [{ name: "matrix", inputs: [{ shape: [3, 4] }], attributes: {} }],
};

/** x³. */
export function cube(x: Tensor): Tensor {
  return apply(cubeOp, [x], {})[0];
}
`,
};

/** The rows of the op: an import and an entry in each registry. */
const ROWS: Readonly<Record<string, readonly [row: string, entry: string]>> = {
  "kernels/registry.ts": [`import { cube } from "./cube.ts";`, "  cube,"],
  "engine/ops/registry.ts": [`import { cubeOp } from "./cube.ts";`, "  cube: cubeOp,"],
};

Deno.test("a new op with a kernel is three files and two rows, and nothing else", async () => {
  const contributing = Deno.readTextFileSync(new URL("CONTRIBUTING.md", ROOT));
  assertStringIncludes(contributing, "three files and two rows");
  assertEquals([Object.keys(FILES).length, Object.keys(ROWS).length], [3, 2]);

  using tree = copyTree();
  const { at, deno } = tree;
  const check = () => deno("check", "kernels/cube.ts", "engine/ops/cube.ts");
  for (const [path, text] of Object.entries(FILES)) Deno.writeTextFileSync(at(path), text);

  // A forgotten row does not compile, whichever of the two it is.
  for (const [path, [row, entry]] of Object.entries(ROWS)) {
    const { code, error } = await check();
    assertEquals(code, 1);
    const descriptor = path.replace("registry", "cube");
    assertMatch(error, /Type '"cube"' is not assignable to type '[^']*"[a-z_A-Z]+" \|/);
    assertStringIncludes(error, descriptor);
    const registry = Deno.readTextFileSync(at(path));
    assertStringIncludes(registry, "const TABLE = {\n");
    Deno.writeTextFileSync(
      at(path),
      `${row}\n${registry.replace("const TABLE = {\n", `const TABLE = {\n${entry}\n`)}`,
    );
  }
  const checked = await check();
  assertEquals(checked.code, 0, checked.error);

  // What follows from the descriptors.
  const [kernels, gradients, graphs, bench] = await Promise.all([
    deno("run", "-P", "cli.ts", "audit", "kernels", "--device", "cpu", "--kernel", "cube"),
    deno("run", "-P", "cli.ts", "audit", "gradients", "--only", "cube"),
    deno(
      "eval",
      `import { GRAPH_OPS } from "./tests/random_graph.ts";
         console.log(GRAPH_OPS.map((op) => op.name).join(" "));`,
    ),
    deno(
      ...["run", "-P=bench", "bench/kernels.ts", "--device", "cpu", "--kernel", "cube"],
      ...["--rounds", "1", "--seconds", "0.001"],
    ),
  ]);
  for (const { code, error } of [kernels, gradients, graphs, bench]) assertEquals(code, 0, error);
  assertMatch(kernels.out, /^cube .* 4 .* pass /m);
  assertMatch(gradients.out, /^cube: matrix .* pass$/m);
  assert(graphs.out.trim().split(" ").includes("cube"));
  assertMatch(bench.out, /^cube +1000 +reference /m);
});
