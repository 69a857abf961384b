/**
 * What the three matrix products of a dense layer share. Each computes an output of `rows` ×
 * `columns` whose elements accumulate over `depth`, and differs in how it reads its two factors.
 */
import {
  type AdapterClass,
  type CaseBuffer,
  groupsOf,
  largestMagnitude,
  type Params,
  type Shader,
  type Tolerance,
  ULP,
} from "./kernel.ts";

/** Which parameters of a kernel are the extents of its product. */
export interface Product {
  /** Name of the parameter that counts the output's rows. */
  readonly rows: string;
  /** Name of the parameter that counts the output's columns. */
  readonly columns: string;
  /** Name of the parameter over which the products are summed. */
  readonly depth: string;
}

/** Tile edges of the shared-memory shader, the default first. */
const TILES = [64, 32, 16] as const;

/**
 * As many workgroups as should be in flight before a larger tile, which reads less, is preferred:
 * about the number of processors of a large GPU.
 */
const ENOUGH_WORKGROUPS = 128;

/** Rows and columns of the output that one workgroup of the software shader makes. */
const SOFTWARE_ROWS = 16;
const SOFTWARE_COLUMNS = 64;

/**
 * The variants of a product: shared-memory tiles of 64, 32 and 16, then the software shader.
 *
 * @param name the kernel's name, which is its files' name
 * @param source text of `NAME.wgsl`
 * @param software text of `NAME_software.wgsl`
 */
export function productShaders(
  name: string,
  product: Product,
  source: string,
  software: string,
): readonly [Shader, ...Shader[]] {
  const workgroups = (params: Params, rows: number, columns: number) =>
    groupsOf(params[product.rows], rows) * groupsOf(params[product.columns], columns);
  const tiled = (tile: number): Shader => ({
    file: `${name}.wgsl`,
    source,
    constants: { TILE: tile },
    workgroups: (params) => workgroups(params, tile, tile),
  });
  return [
    tiled(TILES[0]),
    tiled(TILES[1]),
    tiled(TILES[2]),
    {
      file: `${name}_software.wgsl`,
      source: software,
      workgroups: (params) => workgroups(params, SOFTWARE_ROWS, SOFTWARE_COLUMNS),
    },
  ];
}

/**
 * Picks among {@linkcode productShaders}: on hardware the largest tile that still gives enough
 * workgroups, else the smallest; on a software adapter its own shader.
 */
export function chooseProductShader(
  shaders: readonly [Shader, ...Shader[]],
  adapter: AdapterClass,
  params: Params,
): Shader {
  if (adapter === "software") return shaders[TILES.length];
  for (let i = 0; i < TILES.length; i++) {
    if (shaders[i].workgroups(params, {}) >= ENOUGH_WORKGROUPS) return shaders[i];
  }
  return shaders[TILES.length - 1];
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
