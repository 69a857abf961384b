/** The steps that benchmarks time: full training steps of d–500–500–2000–10 at batch 256. */
import type { Backend } from "../engine/backend.ts";
import { add } from "../engine/ops/binary.ts";
import { accumulate, advance } from "../engine/ops/counter.ts";
import { batchRows, randomUniform } from "../engine/ops/random.ts";
import { gather } from "../engine/ops/rows.ts";
import { meanSquaredError } from "../engine/ops/squared_error.ts";
import { scale } from "../engine/ops/unary.ts";
import { Adam, Sgd } from "../engine/optim.ts";
import { type Program, trace } from "../engine/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state.ts";
import { Table } from "../engine/table.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { Autoencoder } from "../models/autoencoder.ts";
import { Augmentation } from "../models/batches.ts";
import { Critic } from "../models/critic.ts";
import { dynamicLosses, dynamicTargets } from "../models/dynae.ts";
import { pretrainingLosses } from "../models/pretraining.ts";

/** Rows of a batch. */
export const BATCH = 256;

/** Hidden layers of the encoder. */
export const HIDDEN: readonly number[] = [500, 500, 2000];

/** Columns of the code. */
export const LATENT = 10;

const ROWS = 4096;
const CLUSTERS = 10;
const SEED = 0;

/** What every step has: data on the device, a network, a counter and running losses. */
interface Setting {
  readonly backend: Backend;
  readonly state: State;
  readonly net: Autoencoder;
  readonly step: Variable;
  /** The step's batch, [BATCH, d]; inside `trace`. */
  batch(): Tensor;
  /** The batch, rotated and shifted; `side`² must be d. */
  augmented(x: Tensor): Tensor;
}

function setting(backend: Backend, side: number): Setting {
  const inputs = side * side;
  const state = new State(backend);
  const random = new RandomStream(SEED, 1);
  const data = Float32Array.from({ length: ROWS * inputs }, () => random.uniform());
  const table = Table.upload(backend, "rows", data, ROWS, inputs);
  const net = new Autoencoder(state, { inputs, hidden: HIDDEN, latent: LATENT }, SEED);
  const step = state.variable("step", [1], { dtype: "u32" });
  const image = { height: side, width: side, rotation: 10, shift: 0.1, seed: SEED };
  const augmentation = new Augmentation(state, image);
  const order = "sequential" as const;
  const batches = ROWS / BATCH;
  const batch = { total: ROWS, batch: BATCH, batches, count: BATCH, seed: SEED, stream: 1, order };
  return {
    backend,
    state,
    net,
    step,
    batch: () => gather(table, batchRows(step, batch)),
    augmented: (x) => augmentation.apply(x, step),
  };
}

/** A step of the plain autoencoder: batch, forward, loss, backward, Adam. */
export function autoencoderStep(backend: Backend, side = 28): Promise<Program> {
  const { state, net, step, batch } = setting(backend, side);
  const adam = new Adam(state, "adam", net.parameters, { step, learningRate: 1e-4 });
  const losses = state.variable("losses", [1]);
  return trace(backend, () => {
    const x = batch();
    const loss = meanSquaredError(net.decode(net.encode(x)), x);
    adam.minimize(loss);
    accumulate(losses, 0, loss);
    advance(step);
    return {};
  }, "autoencoder");
}

/** A step of DynAE's pre-training: augmented images, interpolation, and a critic that is trained. */
export function pretrainingStep(backend: Backend, side = 28): Promise<Program> {
  const { state, net, step, batch, augmented } = setting(backend, side);
  const critic = new Critic(state, net.sizes, SEED);
  const options = { step, learningRate: 1e-4 };
  const adam = new Adam(state, "adam", net.parameters, options);
  const criticAdam = new Adam(state, "critic adam", critic.parameters, options);
  const losses = state.variable("losses", [3]);
  const draw = (high: number, stream: number) =>
    randomUniform(step, [BATCH], { seed: SEED, stream, high });
  return trace(backend, () => {
    const x = augmented(batch());
    const z = net.encode(x);
    const { reconstruction, interpolation, critic: criticLoss } = pretrainingLosses(
      net,
      critic,
      x,
      z,
      net.decode(z),
      draw,
      { critic: "trained", interpolationMax: 0.5 },
    );
    adam.minimize(add(reconstruction, scale(interpolation!, 0.5)));
    criticAdam.minimize(criticLoss!);
    [reconstruction, interpolation!, criticLoss!].forEach((loss, i) => accumulate(losses, i, loss));
    advance(step);
    return {};
  }, "pre-training");
}

/** A step of DynAE's clustering: targets from the clean samples, momentum descent. */
export function clusteringStep(backend: Backend, side = 28): Promise<Program> {
  const { state, net, step, batch, augmented } = setting(backend, side);
  const centroids = state.variable("centroids", [CLUSTERS, LATENT]);
  const images = state.variable("images", [CLUSTERS, net.sizes.inputs]);
  const thresholds = state.variable("thresholds", [2], { data: Float32Array.of(0.3, 0.15) });
  const sgd = new Sgd(state, "sgd", net.parameters, { learningRate: 1e-3, momentum: 0.9 });
  const losses = state.variable("losses", [2]);
  return trace(backend, () => {
    const x = batch();
    const z = net.encode(augmented(x));
    const targets = dynamicTargets(x, net.encode(x), { centroids, images, thresholds });
    const { code, image, total } = dynamicLosses(net, z, targets, 100);
    sgd.minimize(total);
    accumulate(losses, 0, code);
    accumulate(losses, 1, image);
    advance(step);
    return {};
  }, "clustering");
}

/** The three, by name. */
export const STEPS: Readonly<Record<string, (backend: Backend) => Promise<Program>>> = {
  "autoencoder, Adam": autoencoderStep,
  "DynAE pre-training, trained critic": pretrainingStep,
  "DynAE clustering": clusteringStep,
};
