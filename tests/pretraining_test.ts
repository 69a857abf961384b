import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import {
  Dense,
  fanInUniform,
  glorotUniform,
  normal,
  Parameters,
} from "../engine/network/module.ts";
import { add, mul } from "../engine/ops/binary.ts";
import { sum } from "../engine/ops/sum.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { type Outputs, trace } from "../engine/planner/program.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import type { Shape } from "../engine/tensor/shape.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { AEKMeans, type AEKMeansOptions } from "../models/ae_kmeans.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { Critic } from "../models/networks/critic.ts";
import {
  type Checkpoint,
  type FitContext,
  InterruptedError,
  type Samples,
} from "../models/estimator.ts";
import { resolveOptions } from "../models/options.ts";
import { corrupt, pretrainingLosses } from "../models/training/pretraining.ts";
import {
  PRETRAINING_OPTIONS,
  type PretrainingOptions,
} from "../models/training/pretraining_options.ts";
import { PretrainingPhase, reconstructionError } from "../models/training/pretraining_phase.ts";
import { Rows } from "../models/training/rows.ts";
import { reconstructByPair } from "../models/training/stacked.ts";
import { Training } from "../models/training/trainer.ts";

type Matrix = number[][];

const random = new RandomStream(17, 1);

function drawn(rows: number, columns: number, low: number, high: number): Matrix {
  return Array.from(
    { length: rows },
    () => Array.from({ length: columns }, () => Math.fround(random.uniform(low, high))),
  );
}

function variable(state: State, name: string, rows: Matrix) {
  const data = Float32Array.from(rows.flat());
  return state.variable(name, [rows.length, rows[0].length], { data });
}

/** x·w + b by plain loops, with a ReLU or without. */
async function layer(x: Matrix, dense: Dense, rectify: boolean): Promise<Matrix> {
  const [w, b] = [await dense.variables.weight.read(), await dense.variables.bias.read()];
  return x.map((row) =>
    Array.from(b, (bias, j) => {
      const y = row.reduce((total, value, i) => total + value * w[i * b.length + j], bias);
      return rectify ? Math.max(y, 0) : y;
    })
  );
}

const times = (a: Matrix, b: Matrix) => a.map((row, i) => row.map((value, j) => value * b[i][j]));

function squares(a: Matrix, b: Matrix): number {
  return a.flatMap((row, i) => row.map((x, j) => (x - b[i][j]) ** 2)).reduce((s, e) => s + e);
}

/** What a traced function computes on the oracle. */
async function evaluate<O extends Outputs>(oracle: OracleBackend, make: () => O) {
  using program = await trace(oracle, make);
  program.run();
  return await program.read();
}

/** Options of pre-training with these changes. */
function options(changes: Partial<PretrainingOptions> = {}): PretrainingOptions {
  const { seed = 0, ...given } = changes;
  return { ...resolveOptions("pre-training", PRETRAINING_OPTIONS, given), seed };
}

Deno.test("every form of the reconstruction error is that of plain sums", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const [a, b] = [drawn(7, 5, -2, 2), drawn(7, 5, -2, 2)];
  const [p, t] = [variable(state, "p", a), variable(state, "t", b)];
  const { mean, halfMean, whole, halfSum } = await evaluate(oracle, () => ({
    mean: reconstructionError(p, t, "mean"),
    halfMean: reconstructionError(p, t, "halfMean"),
    whole: reconstructionError(p, t, "sum"),
    halfSum: reconstructionError(p, t, "halfSum"),
  }));
  assertAlmostEquals(mean[0], squares(a, b) / 35, 1e-12);
  assertAlmostEquals(halfMean[0], squares(a, b) / 2 / 35, 1e-12);
  assertAlmostEquals(whole[0], squares(a, b) / 7, 1e-12);
  assertAlmostEquals(halfSum[0], squares(a, b) / 2 / 7, 1e-12);
});

Deno.test("ACAI's losses are the means of its paper, with its own share of the data", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const [n, d, p] = [6, 4, 3];
  const sizes = { inputs: d, hidden: [5], latent: p };
  const net = new Autoencoder(state, sizes, 3);
  const critic = new Critic(state, sizes, 4);
  const rows = drawn(n, d, 0, 1);
  const x = variable(state, "x", rows);
  const alpha = drawn(1, n, 0, 0.5)[0];
  const coefficients = state.variable("alpha", [n], { data: Float32Array.from(alpha) });
  const asked: [number, number][] = [];
  const found = await evaluate(oracle, () => {
    const z = net.encode(x);
    const losses = pretrainingLosses(net, critic, x, z, net.decode(z), (high, stream) => {
      asked.push([high, stream]);
      return coefficients;
    }, options({ critic: "trained", mixCoefficient: 0.2 }));
    const { reconstruction, interpolation, critic: judgement } = losses;
    return { reconstruction, interpolation: interpolation!, judgement: judgement! };
  });
  // The coefficients of the mixtures are fixed, so that only α is drawn, up to 0.5.
  assertEquals(asked, [[0.5, STREAM.interpolation]]);

  const [[outer, inner]] = [net.layerPairs];
  const decode = async (z: Matrix) =>
    await layer(await layer(z, inner.decoder, true), outer.decoder, false);
  const criticLayers = critic.parameters.variables;
  const weights = await Promise.all(criticLayers.map((one) => one.read()));
  const judge = (data: Matrix) =>
    data.map((row) => {
      const affine = (v: number[], w: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(
          b,
          (bias, j) => v.reduce((s, value, i) => s + value * w[i * b.length + j], bias),
        );
      const hidden = affine(row, weights[0], weights[1]).map((value) => Math.max(value, 0));
      return affine(hidden, weights[2], weights[3]).reduce((s, value) => s + value) / p;
    });
  const z = await layer(await layer(rows, outer.encoder, true), inner.encoder, false);
  const reconstructed = await decode(z);
  const mixedCodes = z.map((row, i) =>
    row.map((value, j) => alpha[i] * value + (1 - alpha[i]) * z[n - 1 - i][j])
  );
  const judged = judge(await decode(mixedCodes));
  const gamma = Math.fround(0.2);
  const mixed = judge(
    rows.map((row, i) => row.map((x, j) => gamma * x + (1 - gamma) * reconstructed[i][j])),
  );
  const mean = (values: number[]) => values.reduce((s, value) => s + value) / values.length;
  assertAlmostEquals(found.reconstruction[0], squares(rows, reconstructed) / (n * d), 1e-9);
  assertAlmostEquals(found.interpolation[0], mean(judged.map((c) => c * c)), 1e-9);
  const expected = mean(judged.map((c, i) => (c - alpha[i]) ** 2)) + mean(mixed.map((c) => c * c));
  assertAlmostEquals(found.judgement[0], expected, 1e-9);
});

Deno.test("a layer pair reconstructs through its masks, as DEC's code does", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const net = new Autoencoder(state, { inputs: 6, hidden: [5, 7], latent: 3 }, 5, "glorot");
  for (const [index, { encoder, decoder }] of net.layerPairs.entries()) {
    const [isFirst, isLast] = [index === 0, index === 2];
    const rows = drawn(8, encoder.inputs, 0, 1);
    const keep = (columns: number) =>
      drawn(8, columns, 0, 1).map((row) => row.map((u) => u < 0.8 ? 1.25 : 0));
    const masks = { before: keep(encoder.inputs), within: keep(encoder.units) };
    const h = variable(state, `h ${index}`, rows);
    const before = variable(state, `before ${index}`, masks.before);
    const within = variable(state, `within ${index}`, masks.within);
    const { y } = await evaluate(oracle, () => ({
      y: reconstructByPair(
        h,
        { encoder, decoder },
        { isFirst, isLast },
        (x, stream) => mul(x, stream === STREAM.inputDropout ? before : within),
      ),
    }));
    const units = await layer(isFirst ? rows : times(rows, masks.before), encoder, !isLast);
    const expected = await layer(isLast ? units : times(units, masks.within), decoder, !isFirst);
    [...y].forEach((value, i) => assertAlmostEquals(value, expected.flat()[i], 1e-12));
    assertEquals(decoder.units, encoder.inputs);
  }
});

Deno.test("corruption masks its share, adds noise of its deviation, or does nothing", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const [n, d] = [200, 50];
  const x = variable(state, "x", drawn(n, d, 1, 2));
  const step = state.variable("step", [1], { dtype: "u32" });
  const values = await x.read();
  const of = async (corruption: "mask" | "gaussian", corruptionRate: number) =>
    (await evaluate(oracle, () => ({
      y: corrupt(x, step, { corruption, corruptionRate, seed: 7 }),
    }))).y;
  const masked = await of("mask", 0.3);
  const zeros = masked.filter((value) => value === 0).length;
  assertAlmostEquals(zeros / (n * d), 0.3, 0.02);
  assert(masked.every((value, i) => value === 0 || value === values[i]));
  assertEquals(await of("mask", 0.3), masked);
  const noise = Array.from(await of("gaussian", 0.1), (value, i) => value - values[i]);
  const mean = noise.reduce((s, e) => s + e) / noise.length;
  const deviation = Math.sqrt(noise.reduce((s, e) => s + (e - mean) ** 2, 0) / noise.length);
  assertAlmostEquals(mean, 0, 0.004);
  assertAlmostEquals(deviation, 0.1, 0.003);
  step.write(Uint32Array.of(1));
  assertNotEquals(await of("mask", 0.3), masked);
  assertEquals(corrupt(x, step, { corruption: "none", corruptionRate: 0.3, seed: 7 }), x);
});

Deno.test("SGD's rate falls to a tenth every so many steps, Adam's along a cosine", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const moved = async (changes: Partial<PretrainingOptions>, steps: number) => {
    const training = new Training(backend, {});
    try {
      const unit = new Dense(1, 1);
      const parameters = new Parameters(training.state, { unit }, 0);
      const { weight, bias } = unit.variables;
      const settings = { name: "test", prefix: "test", steps, parameters: { test: parameters } };
      const phase = new PretrainingPhase(training, { ...settings, terms: ["loss"] }, {
        ...options({ pretrainLearningRate: 0.5, pretrainMomentum: 0, ...changes }),
        batchSize: 2,
        logInterval: 3,
      });
      using table = Table.upload(backend, "rows", Float32Array.of(1, 2, 3, 4, 5), 5, 1);
      await phase.run(Rows.of(table), () => {
        const loss = add(sum(weight), sum(bias));
        return { loss, total: loss };
      });
      return -(await bias.read())[0];
    } finally {
      training.dispose();
    }
  };
  const sgd = { pretrainOptimizer: "sgd" } as const;
  assertAlmostEquals(await moved(sgd, 10), 0.5 * (4 + 0.4 + 0.02), 1e-6);
  assertAlmostEquals(
    await moved({ ...sgd, pretrainDropSteps: 3 }, 10),
    0.5 * (3 + 0.3 + 0.03 + 0.001),
    1e-6,
  );
  assertAlmostEquals(await moved({ ...sgd, pretrainDecay: false }, 10), 5, 1e-6);
  // Adam moves a parameter of constant gradient by its rate.
  const cosine = Array.from({ length: 10 }, (_, i) => 0.25 * (1 + Math.cos(Math.PI * i / 10)));
  assertAlmostEquals(await moved({}, 10), cosine.reduce((s, rate) => s + rate), 1e-5);
  await backend.dispose();
});

Deno.test("a part of the parameters is a window on the same memory", () => {
  using state = new State(new OracleBackend());
  const { parameters, layerPairs } = new Autoencoder(
    state,
    { inputs: 6, hidden: [5], latent: 2 },
    0,
  );
  const { weight, bias } = layerPairs[0].decoder.variables;
  const { arena, offsets } = parameters.part([weight, bias]);
  assertEquals(arena.region.buffer, parameters.arena.region.buffer);
  assertEquals(arena.region.offset + offsets[1], bias.region.offset);
  assertEquals(offsets[0], 0);
  // The decoder's last layer is the end of the arena.
  assertEquals(arena.region.offset + arena.size, parameters.arena.size);
  const whole = parameters.part(parameters.variables);
  assertEquals(whole.offsets, parameters.offsets);
  assertEquals(whole.arena.size, parameters.arena.size);
  for (const wrong of [[bias, weight], [layerPairs[0].encoder.variables.weight, weight], []]) {
    assertThrows(() => parameters.part(wrong), RangeError, "part: the parameters must be");
  }
});

Deno.test("initial weights have the spread that their names say", () => {
  const shape: Shape = [60, 100];
  const deviation = (values: Float32Array) =>
    Math.sqrt(values.reduce((s, value) => s + value * value, 0) / values.length);
  const of = (initializer: typeof fanInUniform) => initializer(shape, new RandomStream(1, 2));
  assertAlmostEquals(deviation(of(normal(0.01))), 0.01, 0.0003);
  assertAlmostEquals(of(normal(0.01)).reduce((s, value) => s + value) / 6000, 0, 0.0004);
  assertGreater(Math.max(...of(normal(0.01))), 0.03);
  assertAlmostEquals(deviation(of(fanInUniform)), Math.sqrt(1 / 60 / 3), 0.002);
  assertAlmostEquals(deviation(of(glorotUniform)), Math.sqrt(6 / 160 / 3), 0.003);
  assertThrows(
    () => new AEKMeans({ initializer: "he" as AEKMeansOptions["initializer"] }),
    RangeError,
    "initializer must be one of fanIn, glorot, normal",
  );
});

const SAMPLES: Samples = {
  data: Float32Array.from(drawn(70, 9, 0, 1).flat()),
  n: 70,
  d: 9,
  height: 3,
  width: 3,
};

const STACKED: Partial<AEKMeansOptions> = {
  clusters: 3,
  hidden: [8, 6],
  latent: 2,
  batchSize: 16,
  stackedSteps: 6,
  pretrainSteps: 7,
  logInterval: 5,
  nInit: 1,
};

/** As a checkpoint comes back from a file. */
function stored({ variables, host }: Checkpoint): Checkpoint {
  const copies = [...variables].map(([name, { shape, data }]) =>
    [name, { shape, data: data.slice() }] as const
  );
  return { variables: new Map(copies), host: structuredClone(host) };
}

for (const pretrainOptimizer of ["adam", "sgd"] as const) {
  Deno.test(`with ${pretrainOptimizer}, a layer pair learns its own parameters and no others`, async () => {
    const backend = await openCpuBackend({ threads: 1 });
    const checkpoints: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) =>
      Promise.resolve(void checkpoints.push(stored(checkpoint)));
    const model = new AEKMeans({ ...STACKED, pretrainOptimizer });
    const { history } = await model.fit(SAMPLES, { backend, save, saveSteps: 1 });
    await model.dispose();
    assertEquals(
      [...new Set(history.map(({ phase }) => phase))],
      [
        ...[1, 2, 3].map((i) => `pre-training, layer ${i}`),
        "pre-training",
      ],
    );
    const moved = (phase: string) => {
      const during = checkpoints.filter(({ host }) =>
        Object.keys(host.phases as object).at(-1) === phase
      );
      const [first, last] = [during[0], during.at(-1)!].map(({ variables }) => variables);
      return [...first.keys()].filter((name) => /^(en|de)coder/.test(name))
        .filter((name) => first.get(name)!.data.join() !== last.get(name)!.data.join()).sort();
    };
    for (const i of [0, 1, 2]) {
      const own = [`decoder.${2 - i}.bias`, `decoder.${2 - i}.weight`];
      own.push(`encoder.${i}.bias`, `encoder.${i}.weight`);
      assertEquals(moved(`pre-training, layer ${i + 1}`), own);
    }
    assertEquals(moved("pre-training").length, 12);
    await backend.dispose();
  });

  Deno.test(`with ${pretrainOptimizer}, stacked denoising training resumes to the same bytes`, async () => {
    const backend = await openCpuBackend({ threads: 2 });
    const given = {
      ...STACKED,
      pretrainOptimizer,
      pretrainLearningRate: 0.05,
      corruption: pretrainOptimizer === "adam" ? "mask" : "gaussian",
      critic: "trained",
      mixCoefficient: 0.2,
      initializer: "glorot",
    } as const;
    const fit = async (context: FitContext) => {
      const model = new AEKMeans(given);
      try {
        return await model.fit(SAMPLES, { backend, ...context });
      } finally {
        await model.dispose();
      }
    };
    const checkpoints: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) =>
      Promise.resolve(void checkpoints.push(stored(checkpoint)));
    const whole = await fit({ save, saveSteps: 2 });
    for (let i = 0; i < checkpoints.length; i += 5) {
      assertEquals(await fit({ resume: checkpoints[i] }), whole, `checkpoint ${i}`);
    }
    let checkpoint: Checkpoint | undefined;
    let events = 0;
    const stop = new AbortController();
    await assertRejects(
      () =>
        fit({
          signal: stop.signal,
          saveSteps: 1,
          save: (saved) => Promise.resolve(void (checkpoint = stored(saved))),
          onEvent: () => void (++events === 9 && stop.abort()),
        }),
      InterruptedError,
    );
    assertLess(Object.keys(checkpoint!.host.phases as object).length, 4);
    assertEquals(await fit({ resume: checkpoint! }), whole);
    assertEquals(backend.memory().bytes, 0);
    await backend.dispose();
  });
}

Deno.test("a network of another run takes the place of stacked training too", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  let pretrained: Checkpoint | undefined;
  const first = new AEKMeans(STACKED);
  const { embedding } = await first.fit(SAMPLES, {
    backend,
    savePretrained: (saved) => Promise.resolve(void (pretrained = stored(saved))),
  });
  await first.dispose();
  const second = new AEKMeans(STACKED);
  const found = await second.fit(SAMPLES, { backend, pretrained: pretrained! });
  await second.dispose();
  assertEquals(found.embedding, embedding);
  assertEquals(found.history, []);
  await backend.dispose();
});
