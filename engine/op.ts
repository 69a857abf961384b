/**
 * The descriptor of an op: what the tensor layer knows about one operation. Its arithmetic is in the
 * kernels that it lowers to, so the float64 oracle, both backends and the audits follow from it.
 */
import type { Constants, Kernel, Params } from "../kernels/kernel.ts";
import type { DType } from "./backend.ts";
import type { Shape } from "./shape.ts";
import type { Node, Tensor } from "./tensor.ts";

/** Shape and element type of a tensor. */
export interface TensorType {
  /** Sizes of the axes, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
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
 */
export type GradientRule<A> = (
  node: Node<A>,
  upstream: readonly (Tensor | undefined)[],
  needed: readonly boolean[],
) => readonly (Tensor | undefined)[];

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

/** One operation. */
export interface Op<A = unknown> {
  /** Its name in messages and plans. */
  readonly name: string;
  /**
   * The outputs' types.
   * @throws {RangeError} naming the shapes that do not fit.
   */
  infer(inputs: readonly Tensor[], attributes: A): readonly TensorType[];
  /** Emits the kernel calls. Absent on aliases, whose output is their first input's memory. */
  readonly lower?: (node: Node<A>, emit: Emitter) => void;
  /** Its gradient rule, or the reason why it has none. */
  readonly gradient: GradientRule<A> | NoGradient;
  /** Inputs that are variables changed in place: the op is then an effect of the traced step. */
  readonly updates?: readonly number[];
  /** Uses that the gradient audit checks; empty for ops without a gradient. */
  readonly examples: readonly Example<A>[];
}
