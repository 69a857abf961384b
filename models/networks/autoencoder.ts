/**
 * The fully connected autoencoder that the methods share, published as d–500–500–2000–p and its
 * mirror: ReLU (or its leaky form) on hidden layers, linear code and output.
 */
import {
  type ActivationName,
  ACTIVATIONS,
  type Dense,
  fanInUniform,
  glorotUniform,
  type Initializer,
  Mlp,
  normal,
  type ParameterBlock,
  Parameters,
} from "../../engine/network/module.ts";
import { assign } from "../../engine/ops/call.ts";
import { trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import type { Specs } from "../options.ts";

/** U(±√(1/fan_in)), U(±√(6/(fan_in + fan_out))), or N(0, 0.01²). */
export type InitializerName = "fanIn" | "glorot" | "normal";

const INITIALIZERS: Readonly<Record<InitializerName, Initializer>> = {
  fanIn: fanInUniform,
  glorot: glorotUniform,
  normal: normal(0.01),
};

function namesOf<N extends string>(table: Readonly<Record<N, unknown>>): readonly N[] {
  return Object.keys(table) as N[];
}

/** Options of every method on an autoencoder. */
export interface ArchitectureOptions {
  /** K */
  readonly clusters: number;
  /** Hidden layers of the encoder; the decoder mirrors them. */
  readonly hidden: readonly number[];
  /** p, columns of the code. */
  readonly latent: number;
  /** How the weights start; biases start at 0. */
  readonly initializer: InitializerName;
  /** Of the hidden layers. */
  readonly activation: ActivationName;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

/** Their descriptions, with the defaults of the thrifty profile. */
export const ARCHITECTURE_OPTIONS: Specs<ArchitectureOptions> = {
  clusters: { type: "integer", default: 10, min: 1, description: "number of clusters, K" },
  hidden: {
    type: "integers",
    default: [256, 256, 512],
    min: 1,
    description: "sizes of the encoder's hidden layers; the decoder mirrors them",
    source: "thrifty; DEC, DynAE and most others: 500,500,2000",
  },
  latent: {
    type: "integer",
    default: 10,
    min: 1,
    description: "size of the code",
    source: "DEC, DynAE",
  },
  initializer: {
    type: "choice",
    choices: namesOf(INITIALIZERS),
    default: "fanIn",
    description: "how the weights start; normal has the deviation 0.01",
    source: "DynAE's code; IDEC's: glorot; DEC's: normal",
  },
  activation: {
    type: "choice",
    choices: namesOf(ACTIVATIONS),
    default: "relu",
    description: "of the hidden layers; leakyRelu has the slope 0.2 below 0",
    source: "all but AE-CM's code, which takes leakyRelu",
  },
  seed: {
    type: "integer",
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    description: "seed of all random numbers",
  },
};

/** Sizes of an autoencoder. */
export interface AutoencoderSizes {
  /** d, columns of the data. */
  readonly inputs: number;
  /** Hidden layers of the encoder; the decoder mirrors them. */
  readonly hidden: readonly number[];
  /** p, columns of the code. */
  readonly latent: number;
}

/** An autoencoder of one layer. */
export interface LayerPair {
  /** [n, inputs] -> [n, units]. */
  readonly encoder: Dense;
  /** [n, units] -> [n, inputs]. */
  readonly decoder: Dense;
}

/** Encoder f: [n, d] -> [n, p] and decoder g: [n, p] -> [n, d] in one parameter arena. */
export class Autoencoder {
  /** Weights and biases of both. */
  readonly parameters: Parameters;
  private readonly encoder: Mlp;
  private readonly decoder: Mlp;

  /**
   * Allocates and draws the parameters of both networks.
   * @param state Owns the parameters. @param sizes Of the layers. @param seed Of the weights.
   * @param initializer Of the weights. @param options Activation of hidden layers (ReLU by default),
   *   and what the names of parameters begin with.
   */
  constructor(
    state: State,
    readonly sizes: AutoencoderSizes,
    seed: number,
    initializer: InitializerName = "fanIn",
    { activation, prefix = "" }: { activation?: ActivationName; prefix?: string } = {},
  ) {
    const { inputs, hidden, latent } = sizes;
    const draw = INITIALIZERS[initializer];
    this.encoder = new Mlp([inputs, ...hidden, latent], draw, activation);
    this.decoder = new Mlp([latent, ...hidden.toReversed(), inputs], draw, activation);
    const modules = { [`${prefix}encoder`]: this.encoder, [`${prefix}decoder`]: this.decoder };
    this.parameters = new Parameters(state, modules, seed);
  }

  /** Each layer of the encoder with the decoder's that undoes it, from the data to the code. */
  get layerPairs(): readonly LayerPair[] {
    const { layers } = this.decoder;
    return this.encoder.layers.map((encoder, i) => ({ encoder, decoder: layers.at(-1 - i)! }));
  }

  /** The encoder's, where it is trained alone. */
  get encoderParameters(): ParameterBlock {
    const { layers } = this.encoder;
    return this.parameters.part(
      layers.flatMap(({ variables: { weight, bias } }) => [weight, bias]),
    );
  }

  /** f(x): [n, d] -> [n, p]. */
  encode(x: Tensor): Tensor {
    return this.encoder.apply(x);
  }

  /** g(z): [n, p] -> [n, d]. */
  decode(z: Tensor): Tensor {
    return this.decoder.apply(z);
  }

  /**
   * Moves and scales the code and lets the decoder undo it: f ← factor·(f − center) and
   * g(z) ← g(z/factor + center), so that g(f(x)) stays as it is.
   * @param center [p]. @param factor Not 0.
   */
  async standardizeCode(center: ArrayLike<number>, factor: number): Promise<void> {
    const output = this.encoder.layers.at(-1)!.variables;
    const input = this.decoder.layers[0].variables;
    const weight = await input.weight.read();
    const units = input.bias.size;
    const shifted = Float32Array.from(await input.bias.read(), (b, unit) => {
      for (let j = 0; j < center.length; j++) b += center[j] * weight[j * units + unit];
      return b;
    });
    input.bias.write(shifted);
    input.weight.write(Float32Array.from(weight, (w) => w / factor));
    output.weight.write(Float32Array.from(await output.weight.read(), (w) => w * factor));
    output.bias.write(
      Float32Array.from(await output.bias.read(), (b, j) => factor * (b - center[j])),
    );
  }

  /** g(z) of a few codes at once: [k, p] row-major -> [k, d]. */
  draw(codes: Float32Array): Promise<Float32Array> {
    return drawCodes(this, codes);
  }
}

/** g(z) of a few codes at once, by any decoder: [k, p] row-major -> [k, d]. */
export async function drawCodes(
  net: {
    readonly sizes: { readonly inputs: number; readonly latent: number };
    readonly parameters: Parameters;
    decode(z: Tensor): Tensor;
  },
  codes: Float32Array,
): Promise<Float32Array> {
  const { inputs, latent } = net.sizes;
  const rows = codes.length / latent;
  const { backend } = net.parameters.arena;
  using memory = new State(backend);
  const z = memory.variable("codes", [rows, latent], { data: codes, saved: false });
  const images = memory.variable("images", [rows, inputs], { saved: false });
  using program = await trace(backend, () => {
    assign(images, net.decode(z));
    return {};
  }, "decoding");
  program.run();
  return Float32Array.from(await images.read());
}
