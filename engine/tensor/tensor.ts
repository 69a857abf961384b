/**
 * Symbolic tensors: a shape, an element type, and the node that makes them; and the descriptor of an
 * op, of which a node is an application. Nothing is computed when a tensor is made; a Program computes
 * it. An op's arithmetic is in the kernels that it lowers to, so the float64 oracle, both backends and
 * the audits follow from it.
 */
import type { Constants, Kernel, Params } from "../../kernels/kernel.ts";
import type { Backend, DType, Region } from "../backend/backend.ts";
import { checkShape, formatShape, type Shape, sizeOf } from "./shape.ts";

/** Shape and element type of a tensor. */
export interface TensorType {
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
}

/** An application of an op. Ids grow in the order of creation, which is a topological order. */
export interface Node<A = unknown> {
  /** Unique among all nodes. */
  readonly id: number;
  /** Its descriptor. */
  readonly op: Op<A>;
  /** What the op is applied to, in its order. */
  readonly inputs: readonly Tensor[];
  /** What else the op depends on. */
  readonly attributes: A;
  /** What it makes; empty where it changes its inputs. */
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

/** Where an op puts its kernel calls while a plan is made. */
export interface Emitter {
  /** One kernel call; tensors in the order of the kernel's bindings. */
  call(kernel: Kernel, constants: Constants, params: Params, tensors: readonly Tensor[]): void;
  /** Memory that only this op's calls use. */
  scratch(shape: Shape, dtype?: DType): Tensor;
}

/**
 * A gradient rule: given ∂L/∂output for each output (undefined where L does not depend on it),
 * returns ∂L/∂input for each input (undefined where it is not differentiated). `needed[i]` says
 * whether input i leads to a parameter: what is not needed must not be built.
 *
 * It has the type of a method: a node's rule is called on that node alone, so that ops of all
 * attributes fit in one list.
 */
export type GradientRule<A> = {
  rule(
    node: Node<A>,
    upstream: readonly (Tensor | undefined)[],
    needed: readonly boolean[],
  ): readonly (Tensor | undefined)[];
}["rule"];

/** Why an op has no gradient; printed when one is asked for. */
export interface NoGradient {
  /** The reason, as in "row numbers are integers". */
  readonly none: string;
}

/** One input of an audit example: a shape and the range of its values. */
export interface ExampleInput {
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** Values are uniform in [low, high); −1 by default. */
  readonly low?: number;
  /** See `low`; 1 by default. */
  readonly high?: number;
  /** These values instead of random ones: indices, coefficients, integers. */
  readonly values?: readonly number[];
  /** Element type, "f32" by default. */
  readonly dtype?: DType;
  /** The op is piecewise constant in it, and has no gradient there. */
  readonly fixed?: boolean;
  /** Values of magnitude below this are moved away from 0, where the op has a kink. */
  readonly awayFromZero?: number;
}

/** A use of the op on which `audit gradients` checks its rule. */
export interface Example<A> {
  /** What is special about it, for the table. */
  readonly name: string;
  /** The op's inputs, in order. */
  readonly inputs: readonly ExampleInput[];
  /** The op's attributes. */
  readonly attributes: A;
}

/** What every op has; `A` are its attributes. */
export interface OpBase<A> {
  /** Its name in messages and plans. */
  readonly name: string;
  /**
   * The outputs' types.
   * @throws {RangeError} naming the shapes that do not fit.
   */
  infer(inputs: readonly Tensor[], attributes: A): readonly TensorType[];
  /** Its gradient rule, or the reason why it has none. */
  readonly gradient: GradientRule<A> | NoGradient;
  /**
   * The inputs whose row i makes row i of the output, alone or with the inputs that are not listed;
   * undefined, as where it is absent, if no row stands for itself. Such nodes may be stacked.
   */
  rowInputs?(node: Node<A>): readonly number[] | undefined;
  /** Uses that the gradient audit checks; empty for ops without a gradient. */
  readonly examples: readonly Example<A>[];
}

/** Makes new values: what most ops do. */
export interface ValueOp<A = unknown> extends OpBase<A> {
  /** Its outputs have memory of their own. */
  readonly memory: "value";
  /** Emits the kernel calls. */
  lower(node: Node<A>, emit: Emitter): void;
}

/** Changes variables: an effect of the traced step. */
export interface UpdateOp<A = unknown> extends OpBase<A> {
  /** It has no outputs; some of its inputs are changed in place. */
  readonly memory: "update";
  /** Numbers of the inputs that are changed. */
  updates(attributes: A): readonly number[];
  /** Emits the kernel calls. */
  lower(node: Node<A>, emit: Emitter): void;
}

/** Another view of a value. */
export interface AliasOp<A = unknown> extends OpBase<A> {
  /** Its output is the memory of its input. */
  readonly memory: "alias";
}

/** A scalar that is known when the step is traced. */
export interface ConstantOp<A = unknown> extends OpBase<A> {
  /** Its output is written once, when the plan is made. */
  readonly memory: "constant";
  /** What is written. */
  value(attributes: A): number;
}

/** Values side by side. The plan lets their makers write there directly, where that is possible. */
export interface PackOp<A = unknown> extends OpBase<A> {
  /** Its inputs lie in its output. */
  readonly memory: "pack";
  /** Elements of the output before each input. */
  offsets(node: Node<A>): readonly number[];
  /** Whether there are elements between the inputs, which stay 0. */
  readonly gaps: boolean;
}

/** Parts of a value. */
export interface UnpackOp<A = unknown> extends OpBase<A> {
  /** Its outputs are windows on its input. */
  readonly memory: "unpack";
  /** Elements of the input before each output. */
  offsets(node: Node<A>): readonly number[];
}

/** One operation, told apart by what it does to memory. */
export type Op<A = unknown> =
  | ValueOp<A>
  | UpdateOp<A>
  | AliasOp<A>
  | ConstantOp<A>
  | PackOp<A>
  | UnpackOp<A>;
