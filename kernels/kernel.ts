/**
 * The contract of a kernel: one hand-written shader and everything that is known about it.
 *
 * A kernel is a pure function over flat arrays. Its descriptor names the bindings, the uniform
 * parameters, the number of workgroups, a reference in plain loops (the float64 oracle and the
 * fallback of the CPU backend), the cases by which it is audited, the tolerance that follows from
 * the arithmetic, and its cost. Nothing here knows the engine.
 */

/** Element type of a binding. `"word"` moves 32-bit elements verbatim, whatever they mean. */
export type BindingType = "f32" | "u32" | "word";

/**
 * How a kernel uses a binding. `"write"`: every element that the kernel is responsible for is
 * written and none is read. `"update"`: read and written, or written in part.
 */
export type Access = "read" | "write" | "update";

/** One storage buffer of a kernel, `@group(0) @binding(i)` with i its place in the list. */
export interface Binding {
  /** The name of the WGSL variable. */
  readonly name: string;
  /** Its element type. */
  readonly type: BindingType;
  /** How the kernel uses it. */
  readonly access: Access;
}

/** One 4-byte field of the uniform `struct Params`, in order; bound after the storage buffers. */
export interface Parameter {
  /** The name of the field. */
  readonly name: string;
  /** Its WGSL type. */
  readonly type: "u32" | "f32";
}

/** Values of the uniform parameters, by name. */
export type Params = Readonly<Record<string, number>>;

/** Values of the shader's `override` constants, by name. */
export type Constants = Readonly<Record<string, number>>;

/** What a reference reads and writes: f32 bindings are Float64Array in the oracle. */
export type NumberArray = Float32Array | Float64Array | Uint32Array;

/** The class of adapter that a shader variant is written for. */
export type AdapterClass = "hardware" | "software";

/** The adapter that a shader variant is chosen for. */
export interface Adapter {
  /** What it is, as its driver says: the name of its rows in `tiles.json`. */
  readonly title: string;
  /** A real GPU, or a program that imitates one. */
  readonly class: AdapterClass;
  /** Invocations of a subgroup, where shaders may use subgroups and all have as many. */
  readonly subgroupSize?: number;
}

/** A file of WGSL. */
export interface ShaderFile {
  /** File name in `kernels/`, for messages. */
  readonly file: string;
  /** The WGSL text. */
  readonly source: string;
}

/** One WGSL program that computes the kernel: its file, after those that declare what it uses. */
export interface Shader extends ShaderFile {
  /** Files whose texts stand before its own; none where absent. */
  readonly head?: readonly ShaderFile[];
  /** Override constants that select this variant (tile sizes); merged over the call's constants. */
  readonly constants?: Constants;
  /**
   * It uses subgroups, and is right where all have this many invocations. The text comes without
   * WGSL's `enable subgroups;`, which not every compiler knows.
   */
  readonly subgroupSize?: number;
  /**
   * Workgroups needed, as one number. The dispatcher folds counts past 65,535 into two dimensions;
   * the shader unfolds with `group = id.x + id.y * num_workgroups.x` and returns past the end.
   */
  workgroups(params: Params, constants: Constants): number;
}

/** A shader's last file, and the constants that tell it from other variants with the same. */
export function variantName(shader: Shader): string {
  const constants = Object.entries(shader.constants ?? {}).map(([name, value]) =>
    `${name} ${value}`
  );
  return [shader.file, ...constants].join(" ");
}

/** What compilers are given of a shader. */
export type ShaderText = Pick<Shader, "head" | "file" | "source">;

/** The whole program: the texts of its files, one after another, a blank line between them. */
export function joinedSource({ head = [], source }: ShaderText): string {
  return [...head.map((file) => file.source), source].join("\n");
}

/** The names of its files: "dense.wgsl + product.wgsl + product_large.wgsl". */
export function joinedName({ head = [], file }: ShaderText): string {
  return [...head.map((part) => part.file), file].join(" + ");
}

/** The file of a line of {@linkcode joinedSource}, and the line's number there; both from 1. */
export function placeOf(shader: ShaderText, line: number): { file: string; line: number } {
  for (const { file, source } of shader.head ?? []) {
    const lines = source.split("\n").length;
    if (line <= lines) return { file, line };
    line -= lines;
  }
  return { file: shader.file, line };
}

/** Whether an adapter has what a shader needs. */
export function runsOn({ subgroupSize }: Shader, adapter: Adapter): boolean {
  return subgroupSize === undefined || subgroupSize === adapter.subgroupSize;
}

/** How a case fills a binding before the kernel runs. */
export type Fill =
  /** Uniform reals in [low, high), rounded to float32. */
  | { readonly kind: "uniform"; readonly low: number; readonly high: number }
  /** Uniform integers in [low, high], stored in the binding's type. */
  | { readonly kind: "integer"; readonly low: number; readonly high: number }
  /** These values. */
  | { readonly kind: "values"; readonly values: ArrayLike<number> };

/** One binding of a case. A binding with access `"write"` has no fill: it starts poisoned. */
export interface CaseBuffer {
  /** Number of elements. */
  readonly length: number;
  /** What it holds before the kernel runs. */
  readonly fill?: Fill;
}

/** One audit case: parameters, constants and a buffer for each binding in order. */
export interface KernelCase {
  /** What is special about it, for the table: "257×785·785×33, ReLU". */
  readonly name: string;
  /** Values of the uniform parameters. */
  readonly params: Params;
  /** Values of the override constants; the kernel's defaults where absent. */
  readonly constants: Constants;
  /** One a binding, in the kernel's order. */
  readonly buffers: readonly CaseBuffer[];
}

/** A bound on |actual − reference| ≤ absolute + relative · |reference|. */
export interface Tolerance {
  /** In the unit of the result. */
  readonly absolute: number;
  /** As a share of |reference|. */
  readonly relative: number;
}

/** Arithmetic and traffic of one call. */
export interface Cost {
  /** Floating-point operations; a fused multiply-add counts as two. */
  readonly flops: number;
  /** Bytes read and written, each array counted once. */
  readonly bytes: number;
}

/** A kernel's descriptor. */
export interface Kernel {
  /** Also the files' name: `kernels/NAME.wgsl` and `kernels/NAME.ts`. */
  readonly name: string;
  /** Storage buffers, in the order of their binding numbers. */
  readonly bindings: readonly Binding[];
  /** Fields of the uniform `struct Params`, in order; bound last. */
  readonly params: readonly Parameter[];
  /** Names of the override constants that change the result (epilogue, operator), with defaults. */
  readonly constants: Constants;
  /** Variants; the first is the default. */
  readonly shaders: readonly [Shader, ...Shader[]];
  /** Picks a variant; the first where absent. Must depend on nothing but its arguments. */
  choose?(adapter: Adapter, params: Params, constants: Constants): Shader;
  /** Elements that a call may touch of each binding, in order: what its region must have at least. */
  lengths(params: Params, constants: Constants): readonly number[];
  /**
   * Independent work items (rows, columns, elements…). The CPU backend splits [0, extent) over its
   * threads; an item's result must not depend on the split.
   */
  extent(params: Params, constants: Constants): number;
  /** Plain loops over items [begin, end): the definition of what the kernel computes. */
  reference(
    buffers: readonly NumberArray[],
    params: Params,
    constants: Constants,
    begin: number,
    end: number,
  ): void;
  /** The cases of the audit: odd, tiny, empty where legal, and one large. */
  cases(): KernelCase[];
  /** Derived from WGSL's accuracy rules and the accumulation length; u32 results are exact. */
  tolerance(testCase: KernelCase): Tolerance;
  /** Arithmetic and traffic of one call, for benchmarks. */
  cost(params: Params, constants: Constants): Cost;
}

/** 2⁻²⁴, the unit roundoff of float32. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** Workgroups of `size` invocations that cover `items`, one item each. */
export function groupsOf(items: number, size: number): number {
  return Math.ceil(items / size);
}

/** Elements of [rows, total] that a chunk of columns reaches, which ends before column `end`. */
export function chunkedLength(rows: number, total: number, end: number): number {
  return Math.max(rows * total, (rows - 1) * total + end);
}

/**
 * 2⁻²³, the largest unit in the last place relative to the value: what one WGSL operation may err.
 * WGSL lets a "correctly rounded" result be either neighbour, twice {@linkcode UNIT_ROUNDOFF}.
 */
export const ULP = 2 ** -23;

/** 2⁻¹²⁶: devices may flush smaller results to zero. */
export const SMALLEST_NORMAL = 2 ** -126;

/** The largest magnitude that a case's buffer starts with; 0 where it starts poisoned. */
export function largestMagnitude(buffer: CaseBuffer): number {
  const fill = buffer.fill;
  if (fill === undefined) return 0;
  if (fill.kind !== "values") return Math.max(Math.abs(fill.low), Math.abs(fill.high));
  let largest = 0;
  for (let i = 0; i < fill.values.length; i++) {
    largest = Math.max(largest, Math.abs(fill.values[i]));
  }
  return largest;
}

/** Whether every buffer that a case fills holds integers, so that small sums of products are exact. */
export function holdsIntegers(testCase: KernelCase): boolean {
  return testCase.buffers.every(({ fill }) =>
    fill === undefined || fill.kind === "integer" ||
    (fill.kind === "values" && Array.from(fill.values).every(Number.isInteger))
  );
}
