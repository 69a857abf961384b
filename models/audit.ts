/** The gradient audit of every method's whole loss, in float64 on small networks and images. */
import { checkGradients, type GradientCheck, type Subject } from "../engine/gradcheck.ts";
import { add } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { scale } from "../engine/ops/unary.ts";
import { OracleBackend } from "../engine/oracle.ts";
import { trace } from "../engine/program.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import { sizeOf } from "../engine/shape.ts";
import { State } from "../engine/state.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { Autoencoder } from "./autoencoder.ts";
import { Critic } from "./critic.ts";
import { dynamicLosses, type DynamicTargets, dynamicTargets } from "./dynae.ts";
import { type PretrainingLosses, pretrainingLosses } from "./pretraining.ts";

const SIZES = { inputs: 6, hidden: [5, 7], latent: 3 } as const;
const ROWS = 8;
const CLUSTERS = 4;

/** What the losses of the audit are made of. */
interface Scene {
  readonly state: State;
  readonly net: Autoencoder;
  readonly critic: Critic;
  readonly x: Variable;
  readonly augmented: Variable;
  readonly centroids: Variable;
  readonly images: Variable;
  readonly thresholds: Variable;
  draw(high: number, stream: number): Tensor;
}

function makeScene(state: State, seed: number): Scene {
  const random = new RandomStream(seed, STREAM.audit, 2);
  const drawn = (name: string, shape: number[], low: number, high: number) =>
    state.variable(name, shape, {
      data: Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high)),
    });
  const coefficients = new Map<string, Variable>();
  const net = new Autoencoder(state, SIZES, seed);
  const critic = new Critic(state, SIZES, seed);
  // Zero biases would put the units of a silent layer exactly on ReLU's kink.
  for (const variable of [...net.parameters.variables, ...critic.parameters.variables]) {
    if (variable.shape.length > 1) continue;
    variable.write(Float32Array.from({ length: variable.size }, () => random.uniform(-0.3, 0.3)));
  }
  return {
    state,
    net,
    critic,
    x: drawn("x", [ROWS, SIZES.inputs], 0, 1),
    augmented: drawn("augmented", [ROWS, SIZES.inputs], 0, 1),
    centroids: drawn("centroids", [CLUSTERS, SIZES.latent], -0.5, 0.5),
    images: drawn("images", [CLUSTERS, SIZES.inputs], 0, 1),
    // Between the extremes of q for codes of this scale, so that both kinds of targets occur.
    thresholds: state.variable("thresholds", [2], { data: Float32Array.of(0.26, 0.005) }),
    draw(high, stream) {
      const name = `coefficients ${stream}`;
      const variable = coefficients.get(name) ?? drawn(name, [ROWS], 0, high);
      coefficients.set(name, variable);
      return variable;
    },
  };
}

type Loss = (scene: Scene) => Omit<Subject, "name"> | Promise<Omit<Subject, "name">>;

/** The losses, by method and phase; each with the parameters that it trains. */
const LOSSES: Readonly<Record<string, Loss>> = {
  "ae-kmeans: reconstruction": ({ net, x, draw }) => ({
    targets: net.parameters.variables,
    loss() {
      const z = net.encode(x);
      const options = { critic: "off", interpolationMax: 0 } as const;
      return pretrainingLosses(net, undefined, x, z, net.decode(z), draw, options).reconstruction;
    },
  }),
  "dynae: pre-training, autoencoder": (scene) => ({
    targets: scene.net.parameters.variables,
    loss() {
      const { reconstruction, interpolation } = adversarialLosses(scene);
      return add(reconstruction, scale(interpolation!, 0.5));
    },
  }),
  "dynae: pre-training, critic": (scene) => ({
    targets: scene.critic.parameters.variables,
    loss: () => adversarialLosses(scene).critic!,
  }),
  "dynae: clustering, clean targets": async (scene) => {
    const { net, x, augmented } = scene;
    const targets = () => dynamicTargets(x, net.encode(x), scene);
    const frozen = await freeze(scene, targets);
    const loss = (given: DynamicTargets) =>
      dynamicLosses(net, net.encode(augmented), given, 10).total;
    return {
      targets: net.parameters.variables,
      loss: () => loss(targets()),
      frozen: () => loss(frozen),
    };
  },
  "dynae: clustering, augmented targets": async (scene) => {
    const { net, augmented } = scene;
    const targets = (z: Tensor) => dynamicTargets(augmented, z, scene);
    const frozen = await freeze(scene, () => targets(net.encode(augmented)));
    const loss = (given?: DynamicTargets) => {
      const z = net.encode(augmented);
      return dynamicLosses(net, z, given ?? targets(z), 10).total;
    };
    return { targets: net.parameters.variables, loss: () => loss(), frozen: () => loss(frozen) };
  },
};

function adversarialLosses({ net, critic, x, draw }: Scene): PretrainingLosses {
  const z = net.encode(x);
  const options = { critic: "trained", interpolationMax: 0.5 } as const;
  return pretrainingLosses(net, critic, x, z, net.decode(z), draw, options);
}

/** The targets' present values, as variables. */
async function freeze(
  { state }: Scene,
  targets: () => DynamicTargets,
): Promise<DynamicTargets> {
  const code = state.variable("frozen code", [ROWS, SIZES.latent]);
  const image = state.variable("frozen image", [ROWS, SIZES.inputs]);
  using program = await trace(state.backend, () => {
    const values = targets();
    assign(code, values.code);
    assign(image, values.image);
    return {};
  }, "targets");
  program.run();
  return { code, image };
}

/** Checks every loss. */
export async function* auditModels(seed = 0): AsyncGenerator<GradientCheck> {
  for (const [name, make] of Object.entries(LOSSES)) {
    const oracle = new OracleBackend();
    using state = new State(oracle);
    yield await checkGradients(oracle, { name, ...await make(makeScene(state, seed)) }, seed);
  }
}
