/**
 * DEPICT's convolutional autoencoder (Dizaji et al., arXiv 1704.06363): two convolutions of stride 2, a
 * tanh code, and the mirror. Images are in [0, 1] outside, in [−1, 1] inside.
 */
import { Convolution, TransposedConvolution } from "../../engine/network/convolution_layers.ts";
import {
  Dense,
  glorotUniform,
  type ParameterBlock,
  Parameters,
} from "../../engine/network/module.ts";
import { leakyRelu } from "../../engine/ops/activation.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { affine } from "../../engine/ops/affine.ts";
import { tanh } from "../../engine/ops/unary.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import { patchesAlong } from "../../kernels/patches.ts";
import { drawCodes } from "./autoencoder.ts";

/** Slope of the hidden layers below 0, as in DEPICT's code. */
const SLOPE = 0.01;
const STRIDE = 2;
/** Bytes that the patches of a pass over the data may take: half of WebGPU's smallest binding. */
const PASS_BYTES = 2 ** 26;
/** Most rows of a pass. */
const PASS_ROWS = 1024;

/** Sizes of the network. */
export interface ConvolutionalSizes {
  /** Of the images. */
  readonly height: number;
  /** Of the images. */
  readonly width: number;
  /** Values of a pixel. */
  readonly colours: number;
  /** Of either convolution. */
  readonly channels: number;
  /** p, size of the code. */
  readonly latent: number;
}

/** How a convolution goes from one size to the next. */
export interface ConvolutionGeometry {
  /** Rows and columns of a patch. */
  readonly k: number;
  /** Rows and columns of zeros around the image. */
  readonly padding: number;
  /** Height and width before. */
  readonly from: readonly [height: number, width: number];
  /** Height and width after. */
  readonly to: readonly [height: number, width: number];
}

/**
 * A convolution of stride 2 that leaves no pixel out: 4×4 without padding where both sides are even
 * (with a padding of 1 below 4 pixels), else 5×5 with a padding of 2. For 28, 16 and 55 pixels that is
 * what was published; for 32, where padding 2 was, the first layer has none.
 */
export function halve(from: readonly [height: number, width: number]): ConvolutionGeometry {
  const even = from.every((side) => side % 2 === 0);
  const k = even ? 4 : 5;
  const padding = even ? (Math.min(...from) < k ? 1 : 0) : 2;
  const [height, width] = from.map((side) => patchesAlong(side, k, STRIDE, padding));
  return { k, padding, from, to: [height, width] };
}

/** What the encoder makes of images, layer by layer. */
export interface Encoded {
  /** After the first convolution, [n, h1, w1, channels]. */
  readonly h1: Tensor;
  /** After the second, [n, h2, w2, channels]. */
  readonly h2: Tensor;
  /** The code in (−1, 1), [n, p]. */
  readonly z: Tensor;
}

/** What the decoder makes of a code, layer by layer. */
export interface Decoded {
  /** Beside h2. */
  readonly d2: Tensor;
  /** Beside h1. */
  readonly d1: Tensor;
  /** Images in (−1, 1), [n, height, width, colours]. */
  readonly images: Tensor;
}

/** Leaves activations as they are. */
const CLEAN = (x: Tensor): Tensor => x;

/** Encoder f: [n, d] -> [n, p] and decoder g: [n, p] -> [n, d] in one parameter arena. */
export class ConvolutionalAutoencoder {
  /** Weights and biases of both. */
  readonly parameters: Parameters;
  /** d and p. */
  readonly sizes: { readonly inputs: number; readonly latent: number };
  /** Most rows whose patches fit in memory at once, a power of two. */
  readonly passRows: number;
  private readonly layers;
  private readonly image: readonly [height: number, width: number, colours: number];
  /** [h2, w2, channels] */
  private readonly features: readonly number[];

  /**
   * Allocates and draws the parameters of both networks.
   * @param state Owns the parameters. @param sizes See there. @param seed Of the weights.
   * @param prefix What the names of parameters begin with.
   */
  constructor(
    state: State,
    { height, width, colours, channels, latent }: ConvolutionalSizes,
    seed: number,
    private readonly prefix = "",
  ) {
    this.image = [height, width, colours];
    this.sizes = { inputs: height * width * colours, latent };
    const first = halve([height, width]);
    const second = halve(first.to);
    this.features = [...second.to, channels];
    const units = second.to[0] * second.to[1] * channels;
    const one = { k: first.k, inputs: colours, units: channels };
    const two = { k: second.k, inputs: channels, units: channels };
    const options = ({ padding, from: size }: ConvolutionGeometry) =>
      ({ stride: STRIDE, padding, size }) as const;
    const initializer = glorotUniform;
    this.layers = {
      "encoder.0": new Convolution(one, options(first)),
      "encoder.1": new Convolution(two, options(second)),
      "encoder.2": new Dense(units, latent, { initializer }),
      "decoder.0": new Dense(latent, units, { initializer }),
      "decoder.1": new TransposedConvolution(two, options(second)),
      "decoder.2": new TransposedConvolution(one, options(first)),
    };
    const modules = Object.entries(this.layers).map(([name, layer]) => [prefix + name, layer]);
    this.parameters = new Parameters(state, Object.fromEntries(modules), seed);
    const patches = second.to[0] * second.to[1] * second.k ** 2 * channels;
    const fitting = Math.max(1, PASS_BYTES / (4 * patches));
    this.passRows = Math.min(PASS_ROWS, 2 ** Math.floor(Math.log2(fitting)));
  }

  /** The encoder's. */
  get encoderParameters(): ParameterBlock {
    const { parameters, prefix } = this;
    return parameters.part(
      parameters.variables.filter(({ name }) => name.startsWith(`${prefix}encoder.`)),
    );
  }

  /** Rows [n, d] in [0, 1] as images in [−1, 1], [n, height, width, colours]. */
  images(x: Tensor): Tensor {
    return reshape(affine(x, 2, -1), [x.shape[0], ...this.image]);
  }

  /**
   * All layers of the encoder.
   * @param images In [−1, 1], [n, height, width, colours]. @param drop What becomes of the input of
   *   convolution 0 or 1; nothing by default.
   */
  encodeLayers(images: Tensor, drop: (x: Tensor, layer: 0 | 1) => Tensor = CLEAN): Encoded {
    const { layers } = this;
    const h1 = leakyRelu(layers["encoder.0"].apply(drop(images, 0)), SLOPE);
    const h2 = leakyRelu(layers["encoder.1"].apply(drop(h1, 1)), SLOPE);
    const z = tanh(
      layers["encoder.2"].apply(reshape(h2, [h2.shape[0], layers["encoder.2"].inputs])),
    );
    return { h1, h2, z };
  }

  /** All layers of the decoder, of codes [n, p]. */
  decodeLayers(z: Tensor): Decoded {
    const { layers } = this;
    const d2 = reshape(leakyRelu(layers["decoder.0"].apply(z), SLOPE), [
      z.shape[0],
      ...this.features,
    ]);
    const d1 = leakyRelu(layers["decoder.1"].apply(d2), SLOPE);
    return { d2, d1, images: tanh(layers["decoder.2"].apply(d1)) };
  }

  /** f(x): rows [n, d] in [0, 1] -> [n, p]. */
  encode(x: Tensor): Tensor {
    return this.encodeLayers(this.images(x)).z;
  }

  /** g(z): [n, p] -> rows [n, d] in [0, 1]. */
  decode(z: Tensor): Tensor {
    return affine(reshape(this.decodeLayers(z).images, [z.shape[0], this.sizes.inputs]), 0.5, 0.5);
  }

  /** g(z) of a few codes at once: [k, p] row-major -> [k, d]. */
  draw(codes: Float32Array): Promise<Float32Array> {
    return drawCodes(this, codes);
  }
}
