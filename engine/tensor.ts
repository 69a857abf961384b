/**
 * Symbolic tensors: a shape, an element type, and the node that makes them. Nothing is computed when
 * a tensor is made; a Program computes it.
 */
import type { Backend, DType, Region } from "./backend.ts";
import type { Op, TensorType } from "./op.ts";
import { checkShape, formatShape, type Shape, sizeOf } from "./shape.ts";

/** An application of an op. Ids grow in the order of creation, which is a topological order. */
export interface Node<A = unknown> {
  /** Unique among all nodes. */
  readonly id: number;
  /** Its descriptor; `attributes` are of the type that it takes. */
  // deno-lint-ignore no-explicit-any
  readonly op: Op<any>;
  /** What the op is applied to, in its order. */
  readonly inputs: readonly Tensor[];
  /** What else the op depends on. */
  readonly attributes: A;
  /** What it makes; empty for updates in place. */
  readonly outputs: readonly Tensor[];
  /** The nodes that fusion made it of; absent where it is as it was traced. */
  readonly parts?: readonly Node[];
}

/** A symbolic array of 4-byte elements. */
export class Tensor {
  /** The node that makes it; undefined for leaves (variables, scratch memory). */
  readonly node: Node | undefined;

  /**
   * A leaf, or an output of `node`.
   * @param shape Sizes of the axes. @param dtype Element type. @param node The maker.
   * @throws {RangeError} for sizes that are no integers ≥ 0.
   */
  constructor(readonly shape: Shape, readonly dtype: DType, node?: Node) {
    checkShape(shape, "tensor");
    this.node = node;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** `f32[256, 784]`, for messages. */
  toString(): string {
    return `${this.dtype}${formatShape(this.shape)}`;
  }
}

/** Memory that outlives programs: parameters, moments, counters, data. */
export class Variable extends Tensor {
  /**
   * A window on device memory.
   * @param backend The device. @param name Its name in checkpoints and messages.
   * @param region The memory, of as many elements as the shape has.
   */
  constructor(
    readonly backend: Backend,
    readonly name: string,
    shape: Shape,
    readonly region: Region,
  ) {
    super(shape, region.dtype);
    if (region.length !== sizeOf(shape)) {
      throw new RangeError(
        `variable ${name}: the shape ${formatShape(shape)} has ${sizeOf(shape)} elements, ` +
          `the region ${region.length}`,
      );
    }
  }

  /**
   * Copies `data` to the device, after everything submitted before.
   * @param data As many elements as the shape has, row-major.
   * @throws {RangeError} where the length is another. @throws {TypeError} for another element type.
   */
  write(data: Float32Array | Uint32Array): void {
    if (data.length !== this.size) {
      throw new RangeError(
        `variable ${this.name} ${this}: expected ${this.size} elements, got ${data.length}`,
      );
    }
    if ((data instanceof Float32Array) !== (this.dtype === "f32")) {
      throw new TypeError(`variable ${this.name} ${this}: got a ${data.constructor.name}`);
    }
    if (data.length > 0) this.backend.write(this.region, data);
  }

  /** The values, row-major, after everything submitted before. One wait for the device. */
  async read(): Promise<Float32Array | Float64Array | Uint32Array> {
    return (await this.backend.read([this.region]))[0];
  }
}

let nextId = 0;
const effectLists: Node[][] = [];

/** Applies an op to tensors: checks, infers, and makes its outputs. */
export function apply<A>(op: Op<A>, inputs: readonly Tensor[], attributes: NoInfer<A>): Tensor[] {
  const types = op.infer(inputs, attributes);
  const outputs: Tensor[] = [];
  const node: Node = { id: nextId++, op, inputs, attributes, outputs };
  for (const type of types) outputs.push(new Tensor(type.shape, type.dtype, node));
  if (op.updates) {
    for (const index of op.updates) {
      if (!(inputs[index] instanceof Variable)) {
        throw new TypeError(
          `${op.name}: input ${index} is changed in place; it must be a Variable`,
        );
      }
    }
    const effects = effectLists.at(-1);
    if (!effects) {
      throw new TypeError(`${op.name} changes variables and works only inside trace()`);
    }
    effects.push(node);
  }
  return outputs;
}

/** Runs `fn` and returns its result with the effects that it applied, in order. */
export function collectEffects<T>(fn: () => T): { result: T; effects: Node[] } {
  const effects: Node[] = [];
  effectLists.push(effects);
  try {
    return { result: fn(), effects };
  } finally {
    effectLists.pop();
  }
}

/** The type `f32` of a shape. */
export function f32(shape: Shape): TensorType {
  return { shape, dtype: "f32" };
}

/** The type `u32` of a shape. */
export function u32(shape: Shape): TensorType {
  return { shape, dtype: "u32" };
}

/** @throws {RangeError} naming the op and the shapes, where `tensor` is not of `rank`. */
export function expectRank(op: string, name: string, tensor: Tensor, rank: number): void {
  if (tensor.shape.length !== rank) {
    throw new RangeError(`${op}: ${name} must have ${rank} axes, got ${tensor}`);
  }
}

/** @throws {RangeError} naming both, where the shapes differ. */
export function expectShape(op: string, name: string, tensor: Tensor, shape: Shape): void {
  if (
    tensor.shape.length !== shape.length || tensor.shape.some((size, axis) => size !== shape[axis])
  ) {
    throw new RangeError(
      `${op}: ${name} must have the shape ${formatShape(shape)}, got ${formatShape(tensor.shape)}`,
    );
  }
}
