/**
 * What the three matrix products of a dense layer share. Each computes an output of `rows` ×
 * `columns` whose elements accumulate over `depth`, and differs in how it reads its two factors and
 * in what it makes of a sum: its head says that, and is the same before each body.
 */
import {
  type CaseBuffer,
  type Constants,
  groupsOf,
  type Kernel,
  largestMagnitude,
  type Params,
  runsOn,
  type Shader,
  type Tolerance,
  ULP,
  variantName,
} from "./kernel.ts";
import { type Extents, measuredVariant } from "./tiles.ts";
import shared from "./product.wgsl" with { type: "text" };
import large from "./product_large.wgsl" with { type: "text" };
import software from "./product_software.wgsl" with { type: "text" };
import subgroup from "./product_subgroup.wgsl" with { type: "text" };
import tiled from "./product_tiled.wgsl" with { type: "text" };

/** The extents of a kernel's product. */
export interface Product {
  /** Rows of the output. */
  rows(params: Params, constants: Constants): number;
  /** Columns of the output. */
  columns(params: Params, constants: Constants): number;
  /** Products that an element of the output sums. */
  depth(params: Params, constants: Constants): number;
}

/** Tile edges of the shared-memory shader. */
const TILES = [64, 32, 16, 8] as const;

/** Tile edge of the shader for large products. */
const LARGE_TILE = 128;

/**
 * As many workgroups as should be in flight before a larger tile, which reads less, is preferred:
 * about the number of processors of a large GPU.
 */
const ENOUGH_WORKGROUPS = 128;

/** Rows and columns of the output that one workgroup of the software shader makes. */
const SOFTWARE_ROWS = 16;
const SOFTWARE_COLUMNS = 64;

/** The same of the subgroup shader, and the invocations of its subgroups. */
const SUBGROUP_ROWS = 32;
const SUBGROUP_COLUMNS = 64;
const SUBGROUP_SIZE = 8;

/** A kernel's variants, and which one runs. */
export type ProductShaders = Required<Pick<Kernel, "shaders" | "choose">>;

/**
 * The variants of a product: tiles of 128, 64, 32, 16 and 8 in workgroup memory, then two for
 * software adapters, without and with subgroups. A tile smaller than 64 leaves invocations over, which split the depth: the smaller the tile,
 * the more workgroups, and the fewer steps one after another.
 *
 * Runs the variant that `tiles.json` names for the adapter. Where it names none: on hardware the
 * largest tile that still gives enough workgroups, else the smallest; on a software adapter the
 * one with subgroups, if those have the size that it is written for, else the one without.
 *
 * @param name the kernel's name
 * @param source text of its head, `NAME.wgsl`
 */
export function productShaders(name: string, product: Product, source: string): ProductShaders {
  const head = [{ file: `${name}.wgsl`, source }, { file: "product.wgsl", source: shared }];
  const variant = (body: string, text: string, rows: number, columns: number): Shader => ({
    head,
    file: `product_${body}.wgsl`,
    source: text,
    workgroups: (params, constants) =>
      groupsOf(product.rows(params, constants), rows) *
      groupsOf(product.columns(params, constants), columns),
  });
  const tiles: [Shader, ...Shader[]] = [
    variant("large", large, LARGE_TILE, LARGE_TILE),
    ...TILES.map((tile) => ({
      ...variant("tiled", tiled, tile, tile),
      constants: { TILE: tile },
    })),
  ];
  const onSoftware = variant("software", software, SOFTWARE_ROWS, SOFTWARE_COLUMNS);
  const onSubgroups = {
    ...variant("subgroup", subgroup, SUBGROUP_ROWS, SUBGROUP_COLUMNS),
    subgroupSize: SUBGROUP_SIZE,
  };
  const shaders: [Shader, ...Shader[]] = [...tiles, onSoftware, onSubgroups];
  return {
    shaders,
    choose(adapter, params, constants) {
      const { rows, columns, depth } = product;
      const extents = [rows, columns, depth].map((extent) => extent(params, constants));
      const best = measuredVariant(adapter, name, extents as unknown as Extents);
      const found = shaders.find((shader) => variantName(shader) === best);
      if (found && runsOn(found, adapter)) return found;
      if (adapter.class === "software") {
        return runsOn(onSubgroups, adapter) ? onSubgroups : onSoftware;
      }
      return tiles.find((tile) => tile.workgroups(params, constants) >= ENOUGH_WORKGROUPS) ??
        tiles[tiles.length - 1];
    },
  };
}

/**
 * Bound on a sum of `depth` products and an addend, in any order of summation: γ·(Σ|a||b| + |c|)
 * with γ = (depth + 1) roundings of one {@linkcode ULP} (Higham, "Accuracy and Stability of
 * Numerical Algorithms", 2002, section 3.1). Integers whose sums stay below 2²⁴ are exact.
 */
export function productTolerance(
  depth: number,
  a: CaseBuffer,
  b: CaseBuffer,
  exact: boolean,
  addend = 0,
): Tolerance {
  const sum = depth * largestMagnitude(a) * largestMagnitude(b) + addend;
  if (exact && sum < 2 ** 24) return { absolute: 0, relative: 0 };
  return { absolute: (depth + 1) * ULP * sum, relative: 0 };
}
