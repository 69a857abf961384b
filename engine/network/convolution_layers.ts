/** Convolutional layers with their parameters. */
import { glorotUniform, type Module, type ParameterSpec, zeros } from "./module.ts";
import { convolution, transposedConvolution, type TransposedOptions } from "../ops/convolution.ts";
import type { PatchOptions } from "../ops/patches.ts";
import type { Tensor, Variable } from "../tensor/tensor.ts";

/** Sizes of a convolution's weight [k, k, inputs, units]. */
export interface ConvolutionSizes {
  /** Rows and columns of a patch. */
  readonly k: number;
  /** Channels of the convolution's input. */
  readonly inputs: number;
  /** Channels of the convolution's output. */
  readonly units: number;
}

/** Weight and bias of either layer. */
export abstract class ConvolutionLayer implements Module {
  private weight?: Variable;
  private bias?: Variable;

  /**
   * A layer whose parameters have no memory yet.
   * @param sizes Of the weight. @param biases Channels of the output.
   */
  constructor(readonly sizes: ConvolutionSizes, private readonly biases: number) {}

  /** `weight` [k, k, inputs, units], by Glorot's rule, and `bias`, zeros. */
  parameters(): ParameterSpec[] {
    const { k, inputs, units } = this.sizes;
    return [
      {
        name: "weight",
        shape: [k, k, inputs, units],
        initializer: glorotUniform,
        bind: (variable) => void (this.weight = variable),
      },
      {
        name: "bias",
        shape: [this.biases],
        initializer: zeros,
        bind: (variable) => void (this.bias = variable),
      },
    ];
  }

  /** Its parameters. @throws {TypeError} before they have memory. */
  protected get variables(): readonly [weight: Variable, bias: Variable] {
    const { weight, bias } = this;
    if (weight && bias) return [weight, bias];
    throw new TypeError("convolution: give the layer memory first, with new Parameters(state, …)");
  }
}

/** A convolution with a bias: [n, h, w, inputs] -> [n, oh, ow, units]. */
export class Convolution extends ConvolutionLayer {
  /** A layer whose parameters have no memory yet. @param sizes See there. @param options See there. */
  constructor(sizes: ConvolutionSizes, private readonly options: PatchOptions = {}) {
    super(sizes, sizes.units);
  }

  /** See {@linkcode convolution}. @throws {TypeError} before the parameters have memory. */
  apply(x: Tensor): Tensor {
    return convolution(x, ...this.variables, this.options);
  }
}

/** The transposed convolution of these sizes with a bias: [n, oh, ow, units] -> [n, h, w, inputs]. */
export class TransposedConvolution extends ConvolutionLayer {
  /** A layer whose parameters have no memory yet. @param sizes See there. @param options See there. */
  constructor(sizes: ConvolutionSizes, private readonly options: TransposedOptions = {}) {
    super(sizes, sizes.inputs);
  }

  /** See {@linkcode transposedConvolution}. @throws {TypeError} before the parameters have memory. */
  apply(x: Tensor): Tensor {
    return transposedConvolution(x, ...this.variables, this.options);
  }
}
