/** The table of measured tiles, and what is chosen where it says nothing. */
import { assert, assertEquals } from "@std/assert";
import { dense } from "../kernels/dense.ts";
import { type Adapter, variantName } from "../kernels/kernel.ts";
import { KERNELS } from "../kernels/registry.ts";
import { measuredVariant, type TileTable } from "../kernels/tiles.ts";
import measured from "../kernels/tiles.json" with { type: "json" };

const GPU = { title: "a GPU", class: "hardware" } as const;
const CONSTANTS = dense.constants;

Deno.test("the nearest measured shape decides, in logarithms", () => {
  const table: TileTable = {
    "a GPU": {
      dense: [[256, 500, 784, "small"], [8192, 500, 784, "large"], [256, 10, 2000, "narrow"]],
    },
  };
  const variant = (...extents: [number, number, number]) =>
    measuredVariant(GPU, "dense", extents, table);
  assertEquals(variant(256, 500, 784), "small");
  assertEquals(variant(1400, 500, 784), "small");
  assertEquals(variant(1500, 500, 784), "large");
  assertEquals(variant(300, 12, 1000), "narrow");
  assertEquals(measuredVariant(GPU, "reduce", [1, 1, 1], table), undefined);
  assertEquals(measuredVariant({ ...GPU, title: "another" }, "dense", [1, 1, 1], table), undefined);
});

Deno.test("every row of the table names a variant of its kernel", () => {
  for (const kernels of Object.values(measured as unknown as TileTable)) {
    for (const [name, rows] of Object.entries(kernels)) {
      const variants = KERNELS[name].shaders.map(variantName);
      for (const row of rows) assert(variants.includes(row[3]), `${name}: ${row}`);
    }
  }
});

Deno.test("without rows: the largest tile with enough workgroups; on software its own shader", () => {
  const chosen = (m: number, n: number) =>
    variantName(dense.choose!(GPU, { m, k: 500, n }, CONSTANTS));
  assertEquals(chosen(8192, 2000), "product_large.wgsl");
  assertEquals(chosen(256, 2000), "product_tiled.wgsl TILE 64");
  assertEquals(chosen(256, 500), "product_tiled.wgsl TILE 32");
  assertEquals(chosen(256, 10), "product_tiled.wgsl TILE 8");
  const software = { ...GPU, class: "software" } as const;
  const onSoftware = (adapter: Adapter) =>
    variantName(dense.choose!(adapter, { m: 256, k: 500, n: 10, stride: 500 }, CONSTANTS));
  assertEquals(onSoftware(software), "product_software.wgsl");
  assertEquals(onSoftware({ ...software, subgroupSize: 8 }), "product_subgroup.wgsl");
  assertEquals(onSoftware({ ...software, subgroupSize: 4 }), "product_software.wgsl");
});
