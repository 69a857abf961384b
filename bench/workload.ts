/**
 * The steps that benchmarks time: what trains, on random rows. Each is the step that the models
 * themselves trace, without augmentation: batch gather, forward, losses, backward, update.
 */
import type { Backend } from "../engine/backend/backend.ts";
import { type BatchOrder, batchRows } from "../engine/ops/random.ts";
import { gather } from "../engine/ops/rows.ts";
import { Adam } from "../engine/network/optim.ts";
import { type Program, trace } from "../engine/planner/program.ts";
import { randomNormal } from "../engine/ops/noise.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import { sizeOf } from "../engine/tensor/shape.ts";
import { Table } from "../engine/state/table.ts";
import { DEPICT } from "../models/depict.ts";
import { bothPaths } from "../models/depict_pretraining.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { ConvolutionalAutoencoder, halve } from "../models/networks/convolutional_autoencoder.ts";
import { VariationalEncoder } from "../models/networks/variational_encoder.ts";
import { blockOf } from "../models/training/centroid_options.ts";
import { vadeLosses } from "../models/vade_losses.ts";
import { planBatches } from "../models/training/batches.ts";
import { DynAE } from "../models/dynae.ts";
import { Construction } from "../models/dynae_construction.ts";
import type { DynAEOptions } from "../models/dynae_options.ts";
import type { Samples } from "../models/estimator.ts";
import { phaseOf } from "../models/training/joint_estimator.ts";
import { type Batch, type Losses, Phase } from "../models/training/phase.ts";
import { Pretraining } from "../models/training/pretraining.ts";
import { Rows } from "../models/training/rows.ts";
import { Training } from "../models/training/trainer.ts";

/** Rows of a batch. */
export const BATCH = 256;
/** Hidden layers of the published encoder. */
export const HIDDEN: readonly number[] = [500, 500, 2000];
/** Columns of the code. */
export const LATENT = 10;
const CLUSTERS = 10;
const SEED = 0;

/** Which step. */
export type StepName = "ae" | "pretraining" | "clustering" | "depict" | "vade";

/** The steps, and what each is, for people. */
export const STEPS: Readonly<Record<StepName, string>> = {
  ae: "autoencoder: Adam on the mean squared error",
  pretraining: "DynAE's pre-training, no augmentation: interpolation, trained critic, both Adams",
  clustering: "DynAE's clustering, no augmentation: dynamic targets, K = 10, momentum descent",
  depict: "DEPICT's pre-training, of square images: two paths through two convolutions, Adam",
  vade: "VaDE's clustering: evidence lower bound with Bernoulli outputs, K = 10, Adam",
};

/** A network: d, and the encoder's hidden layers. The code has {@linkcode LATENT} columns. */
export interface NetworkSizes {
  readonly inputs: number;
  /** {@linkcode HIDDEN} by default. */
  readonly hidden?: readonly number[];
}

/** A network and its data. */
export interface WorkloadSizes extends NetworkSizes {
  /** Rows of the data, at least {@linkcode BATCH}; 4096 by default. */
  readonly rows?: number;
}

/** Learning rate of the steps that Adam makes. */
const LEARNING_RATE = 1e-4;

/** "784-500-500-2000-10", or of {@linkcode STEPS}' `depict` "28×28, 2 × 50 channels, 10". */
export function networkName(
  { inputs, hidden = HIDDEN }: NetworkSizes,
  step: StepName = "ae",
): string {
  if (step !== "depict") return [inputs, ...hidden, LATENT].join("-");
  const side = sideOf(inputs);
  return `${side}×${side}, 2 × ${depictOptions().channels} channels, ${LATENT}`;
}

/** Pixels along either side of a square image. @throws {RangeError} where it is not square. */
function sideOf(inputs: number): number {
  const side = Math.sqrt(inputs);
  if (Number.isInteger(side)) return side;
  throw new RangeError(`DEPICT's step needs square images, and ${inputs} columns are none`);
}

function depictOptions() {
  return new DEPICT({ clusters: CLUSTERS, latent: LATENT, batchSize: BATCH, seed: SEED }).options;
}

/** A step on a device, ready to be replayed. */
export interface Workload {
  readonly program: Program;
  /** Runs `steps` steps, waits, and gives their mean loss. */
  run(steps: number): Promise<number>;
  /** Frees the step's memory on the device. */
  dispose(): void;
}

/** Prepares a step on a device: data, network, optimisers, program. */
export async function prepare(
  backend: Backend,
  name: StepName,
  { inputs, hidden = HIDDEN, rows = 4096 }: WorkloadSizes,
): Promise<Workload> {
  const training = new Training(backend, {});
  const samples = { data: uniform(1, [rows, inputs]), n: rows, d: inputs };
  const table = Table.upload(backend, "samples", samples.data, rows, inputs);
  const { phase, losses, weights, order } = name === "depict"
    ? depictStep(training, inputs)
    : name === "vade"
    ? vadeStep(training, inputs, hidden)
    : dynaeStep(training, name, samples, Rows.of(table), hidden);
  const { sums, step } = phase;
  const { lastCount: count, ...batch } = planBatches(rows, BATCH, order, SEED);
  const program = await trace(backend, () => {
    const numbers = batchRows(step, { ...batch, count });
    phase.traceStep({ x: gather(table, numbers), numbers, step }, { losses });
    return {};
  }, name);
  return {
    program,
    async run(steps) {
      sums.write(new Float32Array(sums.size));
      program.run(steps);
      const values = await sums.read();
      return weights.reduce((sum, weight, term) => sum + weight * (values[term] ?? 0), 0) / steps;
    },
    dispose() {
      program.dispose();
      table.dispose();
      training.dispose();
    },
  };
}

/** A phase with the losses of its steps, and how the bench adds them up. */
interface Step {
  readonly phase: Phase;
  losses(batch: Batch): Losses<string>;
  readonly weights: readonly number[];
  readonly order: BatchOrder;
}

function dynaeStep(
  training: Training,
  name: StepName,
  samples: Samples,
  rows: Rows,
  hidden: readonly number[],
): Step {
  const sizes = { inputs: samples.d, hidden, latent: LATENT };
  const net = new Autoencoder(training.state, sizes, SEED);
  const { options } = new DynAE({
    hidden,
    latent: LATENT,
    clusters: CLUSTERS,
    seed: SEED,
    batchSize: BATCH,
    pretrainLearningRate: LEARNING_RATE,
    pretrainDecay: false,
    critic: name === "pretraining" ? "trained" : "off",
  });
  return name === "clustering"
    ? clusteringStep(training, net, samples, rows, options)
    : pretrainingStep(training, net, options);
}

function depictStep(training: Training, inputs: number): Step {
  const side = sideOf(inputs);
  const options = depictOptions();
  const { channels, adamEpsilon: epsilon } = options;
  const sizes = { height: side, width: side, colours: 1, channels, latent: LATENT };
  const net = new ConvolutionalAutoencoder(training.state, sizes, SEED);
  const settings = {
    name: "depict",
    terms: ["image", "hidden"],
    batchSize: BATCH,
    batchOrder: "shuffled",
    seed: SEED,
  } as const;
  const phase = new Phase<string>(training, settings, (step) => {
    const adam = { learningRate: LEARNING_RATE, epsilon, step };
    return [["total", [new Adam(training.state, "adam", net.parameters, adam)]]];
  });
  return {
    phase,
    losses: ({ x, step }) => ({ ...bothPaths(net, x, step, options).losses }),
    weights: [1, 1],
    order: settings.batchOrder,
  };
}

function vadeStep(training: Training, inputs: number, hidden: readonly number[]): Step {
  const { state } = training;
  const net = new Autoencoder(state, { inputs, hidden, latent: LATENT }, SEED);
  const encoder = new VariationalEncoder(state, net, SEED);
  const shape = [CLUSTERS, LATENT];
  const prior = {
    logits: state.variable("logits", [CLUSTERS]),
    centroids: state.variable("centroids", shape, { data: uniform(2, shape, -1) }),
    logVariances: state.variable("log variances", shape),
  };
  const terms = ["reconstruction", "divergence"];
  const settings = {
    name: "vade",
    terms,
    batchSize: BATCH,
    batchOrder: "shuffled",
    seed: SEED,
  } as const;
  const mixture = Object.values(prior).map((variable) => blockOf(variable));
  const phase = new Phase<string>(training, settings, (step) => {
    const adam = { learningRate: LEARNING_RATE, step };
    const blocks = [net.parameters, encoder.parameters, ...mixture];
    return [["total", blocks.map((block, i) => new Adam(state, `adam ${i}`, block, adam))]];
  });
  const options = { likelihood: "bernoulli", reconstructionWeight: 1 } as const;
  return {
    phase,
    losses({ x, step }) {
      const noise = randomNormal(step, [BATCH, LATENT], { seed: SEED, stream: STREAM.latent });
      return { ...vadeLosses(net, encoder, prior, x, noise, options) };
    },
    weights: [1, 1],
    order: settings.batchOrder,
  };
}

function pretrainingStep(training: Training, net: Autoencoder, options: DynAEOptions): Step {
  const pretraining = new Pretraining(training, net, undefined, options);
  return {
    phase: pretraining.phase,
    losses: (batch) => pretraining.losses(batch),
    weights: [1, options.lambda, 1],
    order: options.batchOrder,
  };
}

function clusteringStep(
  training: Training,
  net: Autoencoder,
  samples: Samples,
  rows: Rows,
  options: DynAEOptions,
): Step {
  const centroids = training.state.variable("centroids", [CLUSTERS, LATENT]);
  const clustering = new Construction(
    { training, net, samples, rows, centroids },
    undefined,
    options,
  );
  centroids.write(uniform(2, centroids.shape, -1));
  clustering.images.write(uniform(3, clustering.images.shape));
  clustering.thresholds.write(Float32Array.of(0.1, 0));
  return {
    phase: phaseOf<string>(training, {
      ...clustering,
      optimizers: (step) => clustering.optimizers(step),
    }, options),
    losses: (batch) => ({ ...clustering.losses(batch) }),
    weights: [1, clustering.gamma],
    order: clustering.batchOrder,
  };
}

function uniform(stream: number, shape: readonly number[], low = 0): Float32Array {
  const random = new RandomStream(SEED, stream);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, 1));
}

/**
 * FLOPs of the products that a step needs: 2·m·k·n each for forward, weight gradient and input
 * gradient, the latter not where no parameter lies below. What is no product is not counted.
 */
export function flopsOf(name: StepName, { inputs, hidden = HIDDEN }: NetworkSizes): number {
  if (name === "depict") return depictFlops(sideOf(inputs), depictOptions().channels);
  const sizes = [inputs, ...hidden, LATENT];
  const product = (layers: number[]) =>
    layers.slice(1).reduce((sum, units, i) => sum + 2 * BATCH * layers[i] * units, 0);
  const encoder = product(sizes);
  const decoder = encoder;
  const first = 2 * BATCH * sizes[0] * sizes[1];
  const autoencoder = 3 * (encoder + decoder) - first;
  // The layer of the variances, and the codes' variances times the clusters' precisions.
  if (name === "vade") {
    return autoencoder + 3 * product(sizes.slice(-2)) + 3 * product([LATENT, CLUSTERS]);
  }
  if (name !== "pretraining") return autoencoder;
  // Interpolations are decoded, judged, and their gradient goes back to the code; the critic's own
  // loss is that of two batches.
  const critic = encoder;
  const interpolation = 3 * decoder + 2 * critic;
  const judgement = critic + 2 * (2 * critic - first);
  return autoencoder + interpolation + judgement;
}

/** The same of DEPICT's step on square images. */
function depictFlops(side: number, channels: number): number {
  const [first, second] = [halve([side, side])].flatMap((one) => [one, halve(one.to)]);
  const layer = (places: number, depth: number, units: number) =>
    2 * BATCH * places * depth * units;
  const areaOf = ({ to: [height, width] }: ReturnType<typeof halve>) => height * width;
  const one = layer(areaOf(first), first.k ** 2, channels);
  const two = layer(areaOf(second), second.k ** 2 * channels, channels);
  const code = layer(1, areaOf(second) * channels, LATENT);
  // Of the clean path the code is not needed; no gradient goes to the images of either.
  const clean = 2 * one + 3 * two;
  const noisy = 2 * one + 3 * (two + code);
  const decoder = 3 * (one + two + code);
  return clean + noisy + decoder;
}
