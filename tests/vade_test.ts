/** VaDE's losses by value, its labels, and what it says of data and clusters that do not do. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import type { Checkpoint } from "../models/estimator.ts";
import { VaDE } from "../models/vade.ts";
import { logJoint, vadeLosses } from "../models/vade_losses.ts";

const [N, D, P, K] = [7, 5, 3, 4];
const TINY = { hidden: [12], latent: 2, pretrainSteps: 40, steps: 40, nInit: 2, batchSize: 16 };

/** π, σ² of unconstrained parameters. */
function parametersOf(logits: ArrayLike<number>, logVariances: ArrayLike<number>) {
  const total = Array.from(logits, Math.exp).reduce((a, b) => a + b);
  return {
    weights: Array.from(logits, (logit) => Math.exp(logit) / total),
    variances: Array.from(logVariances, (value) => 1e-4 + Math.exp(value)),
  };
}

/** log π_c N(z | μ_c, σ_c²) without −p/2 log 2π, for each c. */
function joint(
  z: ArrayLike<number>,
  centroids: ArrayLike<number>,
  { weights, variances }: ReturnType<typeof parametersOf>,
): number[] {
  return weights.map((weight, c) => {
    let value = Math.log(weight);
    for (let j = 0; j < z.length; j++) {
      const variance = variances[c * z.length + j];
      value -= 0.5 * (Math.log(variance) + (z[j] - centroids[c * z.length + j]) ** 2 / variance);
    }
    return value;
  });
}

for (const likelihood of ["gaussian", "bernoulli"] as const) {
  Deno.test(`VaDE's loss with ${likelihood} output is the one of a plain computation`, async () => {
    const oracle = new OracleBackend();
    using state = new State(oracle);
    const random = new RandomStream(2, 1);
    const draw = (name: string, shape: number[], low: number, high: number) => {
      const size = shape.reduce((a, b) => a * b);
      const data = Float32Array.from({ length: size }, () => random.uniform(low, high));
      return { data, variable: state.variable(name, shape, { data }) };
    };
    const x = draw("x", [N, D], 0, 1);
    const noise = draw("noise", [N, P], -2, 2);
    const mean = draw("mean", [N, P], -1, 1);
    const logVariance = draw("log variance", [N, P], -3, 1);
    const centroids = draw("centroids", [K, P], -1, 1);
    const logits = draw("logits", [K], -1, 1);
    const logVariances = draw("log variances", [K, P], -4, 1);
    const net = new Autoencoder(state, { inputs: D, hidden: [6], latent: P }, 1);
    const prior = {
      centroids: centroids.variable,
      logits: logits.variable,
      logVariances: logVariances.variable,
    };
    const options = { likelihood, reconstructionWeight: 3 };
    const posterior = () => ({ mean: mean.variable, logVariance: logVariance.variable });
    const codes = Array.from(
      mean.data,
      (m, i) => m + Math.exp(logVariance.data[i] / 2) * noise.data[i],
    );
    const z = state.variable("z", [N, P], { data: Float32Array.from(codes) });
    using program = await trace(oracle, () => {
      const losses = vadeLosses(net, { posterior }, prior, x.variable, noise.variable, options);
      return { ...losses, output: net.decode(z) };
    });
    program.run();
    const { reconstruction, divergence, total, output } = await program.read();

    const parameters = parametersOf(logits.data, logVariances.data);
    let [expectedReconstruction, expectedDivergence] = [0, 0];
    for (let i = 0; i < N; i++) {
      for (let j = i * D; j < (i + 1) * D; j++) {
        const t = x.data[j];
        const y = 1 / (1 + Math.exp(-output[j]));
        expectedReconstruction += likelihood === "gaussian"
          ? (output[j] - t) ** 2 / N
          : -(t * Math.log(y) + (1 - t) * Math.log(1 - y)) / N;
      }
      const logs = joint(codes.slice(i * P, (i + 1) * P), centroids.data, parameters);
      const evidence = Math.log(logs.reduce((sum, value) => sum + Math.exp(value), 0));
      for (let j = 0; j < P; j++) expectedDivergence -= 0.5 * (1 + logVariance.data[i * P + j]) / N;
      for (let c = 0; c < K; c++) {
        const gamma = Math.exp(logs[c] - evidence);
        let term = Math.log(gamma) - Math.log(parameters.weights[c]);
        for (let j = 0; j < P; j++) {
          const variance = parameters.variances[c * P + j];
          const square = (mean.data[i * P + j] - centroids.data[c * P + j]) ** 2;
          const spread = Math.exp(logVariance.data[i * P + j]);
          term += 0.5 * (Math.log(variance) + (spread + square) / variance);
        }
        expectedDivergence += gamma * term / N;
      }
    }
    // z is rounded to float32 for the decoder.
    assertAlmostEquals(reconstruction[0], expectedReconstruction, 1e-6);
    assertAlmostEquals(divergence[0], expectedDivergence, 1e-10);
    assertAlmostEquals(total[0], 3 * reconstruction[0] + divergence[0], 1e-10);
  });
}

Deno.test("responsibilities of far codes and small variances stay finite", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const z = state.variable("z", [2, 1], { data: Float32Array.of(-1e6, 1e6) });
  const prior = {
    centroids: state.variable("centroids", [2, 1], { data: Float32Array.of(-1, 1) }),
    logits: state.variable("logits", [2], { data: Float32Array.of(0, 0) }),
    logVariances: state.variable("log variances", [2, 1], { data: Float32Array.of(-90, 90) }),
  };
  using program = await trace(oracle, () => ({ joint: logJoint(z, prior) }));
  program.run();
  const { joint } = await program.read();
  assert([...joint].every(Number.isFinite), joint.join());
});

/** Two kinds of rows in [0, 1], in turns. */
const ROWS = 60;
const random = new RandomStream(3, 1);
const DATA = Float32Array.from(
  { length: ROWS * 6 },
  (_, i) => random.uniform(0, 0.3) + ((i % 6 < 3) === (Math.floor(i / 6) % 2 === 0) ? 0.6 : 0),
);

Deno.test("VaDE's labels are the largest responsibilities of the codes; it draws probabilities", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const model = new VaDE({ ...TINY, clusters: 3 });
  let checkpoint: Checkpoint | undefined;
  const { labels, embedding, clusterCenters, prototypes } = await model.fit(
    { data: DATA, n: ROWS, d: 6 },
    { backend, save: (saved) => Promise.resolve(void (checkpoint = saved)) },
  );
  const value = (name: string) => checkpoint!.variables.get(name)!.data;
  const parameters = parametersOf(value("mixture logits"), value("mixture log variances"));
  labels.forEach((label, i) => {
    const logs = joint(embedding.subarray(2 * i, 2 * i + 2), clusterCenters, parameters);
    assertEquals(label, logs.indexOf(Math.max(...logs)));
  });
  // The data are in [0, 1]: what is drawn are probabilities, after load too.
  assert(prototypes!.every((value) => value > 0 && value < 1));
  await model.load(checkpoint!, backend);
  assertEquals(await model.inverseTransform(clusterCenters), prototypes);
  await model.dispose();
  await backend.dispose();
});

Deno.test("a collapse into one cluster ends the training and is its stop reason", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const model = new VaDE({ ...TINY, clusters: 3 });
  const data = new Float32Array(ROWS * 6).fill(0.5);
  const { stopReason } = await model.fit({ data, n: ROWS, d: 6 }, { backend });
  assert(
    stopReason.startsWith("collapsed: all rows are in one cluster; 2 of 3 clusters are empty"),
  );
  await model.dispose();
  await backend.dispose();
});

Deno.test("a Bernoulli output asks for data in [0, 1]", async () => {
  const data = DATA.slice();
  data[17] = 1.5;
  const model = new VaDE({ ...TINY, clusters: 2, likelihood: "bernoulli" });
  await assertRejects(
    () => model.fit({ data, n: ROWS, d: 6 }, { device: { device: "cpu", threads: 1 } }),
    RangeError,
    "value 17 is 1.5; scale the data, or take `likelihood` gaussian",
  );
});
