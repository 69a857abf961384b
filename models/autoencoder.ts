/**
 * The fully connected autoencoder that the methods share, published as d–500–500–2000–p and its
 * mirror: ReLU on hidden layers, linear code and output.
 */
import { Mlp, Parameters } from "../engine/module.ts";
import { assign } from "../engine/ops/call.ts";
import { trace } from "../engine/program.ts";
import { State } from "../engine/state.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { OptionSpec } from "./options.ts";

/** Options of every method on an autoencoder. */
export interface ArchitectureOptions {
  /** K */
  readonly clusters: number;
  /** Hidden layers of the encoder; the decoder mirrors them. */
  readonly hidden: readonly number[];
  /** p, columns of the code. */
  readonly latent: number;
  /** Of all random numbers, 32 bits. */
  readonly seed: number;
}

/** Their descriptions, with the defaults of the thrifty profile. */
export const ARCHITECTURE_OPTIONS: readonly OptionSpec[] = [
  { name: "clusters", type: "integer", default: 10, min: 1, description: "number of clusters, K" },
  {
    name: "hidden",
    type: "integers",
    default: [256, 256, 512],
    min: 1,
    description: "sizes of the encoder's hidden layers; the decoder mirrors them",
    source: "thrifty; DEC, DynAE and most others: 500,500,2000",
  },
  {
    name: "latent",
    type: "integer",
    default: 10,
    min: 1,
    description: "size of the code",
    source: "DEC, DynAE",
  },
  {
    name: "seed",
    type: "integer",
    default: 0,
    min: 0,
    max: 2 ** 32 - 1,
    description: "seed of all random numbers",
  },
];

/** Sizes of an autoencoder. */
export interface AutoencoderSizes {
  /** d, columns of the data. */
  readonly inputs: number;
  /** Hidden layers of the encoder; the decoder mirrors them. */
  readonly hidden: readonly number[];
  /** p, columns of the code. */
  readonly latent: number;
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
   */
  constructor(state: State, readonly sizes: AutoencoderSizes, seed: number) {
    const { inputs, hidden, latent } = sizes;
    this.encoder = new Mlp([inputs, ...hidden, latent]);
    this.decoder = new Mlp([latent, ...hidden.toReversed(), inputs]);
    this.parameters = new Parameters(state, { encoder: this.encoder, decoder: this.decoder }, seed);
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
  async draw(codes: Float32Array): Promise<Float32Array> {
    const { inputs, latent } = this.sizes;
    const rows = codes.length / latent;
    const { backend } = this.parameters.arena;
    using memory = new State(backend);
    const z = memory.variable("codes", [rows, latent], { data: codes, saved: false });
    const images = memory.variable("images", [rows, inputs], { saved: false });
    using program = await trace(backend, () => {
      assign(images, this.decode(z));
      return {};
    }, "decoding");
    program.run();
    return Float32Array.from(await images.read());
  }
}
