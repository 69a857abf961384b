/** Cosines between gradients: their definition, and what they do to a training: nothing. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
} from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { mul, sub } from "../engine/ops/binary.ts";
import { stopGradient } from "../engine/ops/reshape.ts";
import { gather } from "../engine/ops/rows.ts";
import { sum } from "../engine/ops/sum.ts";
import { affine, negate, scale } from "../engine/ops/affine.ts";
import { square } from "../engine/ops/unary.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { comparedJointLosses } from "../models/ae_cm.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, AuditScene } from "../models/audit_scene.ts";
import type { Checkpoint, FitResult, LogRow, RowSource, Samples } from "../models/estimator.ts";
import { FeatureDiagnostics, gradientCosine } from "../models/evaluation/feature_diagnostics.ts";
import type { Method } from "../models/method.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import type { OptionValues } from "../models/options.ts";
import { ClusteringModule, identityMatrix } from "../models/networks/clustering_module.ts";
import { METHODS } from "../models/registry.ts";
import { Rows } from "../models/training/rows.ts";
import { comparedSelfTraining } from "../models/training/self_training.ts";

Deno.test("the cosine is that of the gradients, over all variables together", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const u = state.variable("u", [2], { data: Float32Array.of(1, 2) });
  const v = state.variable("v", [1], { data: Float32Array.of(3) });
  const target = state.variable("t", [2], { data: Float32Array.of(5, -1) });
  using program = await trace(oracle, () => {
    // ∇a = (2u, 2v) and ∇b = (t − …): by hand below.
    const a = sum(square(u));
    const both = (x: typeof a) => sub(x, negate(sum(square(v))));
    const b = sum(mul(u, target));
    const cosine = (x: typeof a, y: typeof a, variables: readonly Variable[]) =>
      gradientCosine(gradients(x, variables), gradients(y, variables));
    return {
      same: cosine(both(a), scale(both(a), 3), [u, v]),
      opposite: cosine(a, negate(a), [u]),
      angle: cosine(both(a), both(b), [u, v]),
    };
  });
  program.run();
  const { same, opposite, angle } = await program.read();
  assertAlmostEquals(same[0], 1, 1e-12);
  assertAlmostEquals(opposite[0], -1, 1e-12);
  // (2, 4, 6) · (5, −1, 6) over the product of their lengths.
  assertAlmostEquals(angle[0], 42 / (Math.sqrt(56) * Math.sqrt(62)), 1e-12);
});

/** Self-training's cosines on the audit's network, in float64; class c is number 10 + c. */
async function selfTrainingCosines(targetOf: (label: number) => number, inputScale = 1) {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const { net, centroids, x } = new AuditScene(state, 1);
  const [k, d] = [AUDIT_CLUSTERS, AUDIT_SIZES.inputs];
  const data = Float32Array.from(await x.read(), (value) => value / inputScale);
  using rows = await Rows.open(oracle, { data, n: AUDIT_ROWS, d }, inputScale);
  const labels = Array.from({ length: AUDIT_ROWS }, (_, i) => (i + 1) % k);
  const targets = state.variable("targets", [AUDIT_ROWS, k], {
    data: Float32Array.from({ length: AUDIT_ROWS * k }, (_, i) => {
      return targetOf(labels[Math.floor(i / k)]) === i % k ? 1 : 0;
    }),
  });
  using features = await FeatureDiagnostics.trace(
    { rows, net, truth: labels.map((label) => 10 + label) },
    { featureDiagnostics: true, clusters: k, seed: 0 },
    (sample) => comparedSelfTraining(net, centroids, targets, sample),
  );
  return await features!.measure(labels);
}

Deno.test("DEC's features are not random where its targets are the classes", async () => {
  const cosines = await selfTrainingCosines((label) => label);
  assertAlmostEquals(Number(cosines.featureRandomness), 1, 1e-12);
  assertLess(Math.abs(Number(cosines.featureDrift)), 0.99);
  assertEquals(
    await selfTrainingCosines((label) => label, 4),
    cosines,
    "rows as training sees them",
  );
  const wrong = await selfTrainingCosines((label) => (label + 1) % AUDIT_CLUSTERS);
  assertLess(Number(wrong.featureRandomness), 0.9);
});

/** A Clustering Module on the audit's codes, of which two are its centroids; in float64. */
async function moduleScene(state: State) {
  const { net, x } = new AuditScene(state, 1);
  const [k, inputs] = [2, AUDIT_SIZES.latent];
  const sizes = { inputs, hidden: [], latent: k };
  const head = new Autoencoder(state, sizes, 1, "glorot", { prefix: "module " });
  const vertices = state.variable("vertices", [k, k], { data: identityMatrix(k) });
  const module = new ClusteringModule(head, vertices);
  using program = await trace(state.backend, () => ({ codes: net.encode(x) }));
  program.run();
  const { codes } = await program.read();
  const centroids = Float32Array.from(codes.slice(0, k * inputs));
  return {
    net,
    x,
    module,
    start: (twiceVariance: number) => module.initialize(centroids, { twiceVariance }),
  };
}

const JOINT_OPTIONS = {
  prior: 3,
  normalize: false,
  beta: 0.5,
  orthonormality: "l1",
  orthonormalityWeight: 1,
  batchSize: 4,
} as const;

Deno.test("AE-CM's features are not random where its γ are certain and the classes", async () => {
  using state = new State(new OracleBackend());
  const { net, x, module, start } = await moduleScene(state);
  start(1e-6);
  const { variables } = net.encoderParameters;
  using program = await trace(state.backend, () => {
    const gamma = module.assign(net.encode(x));
    const randomness = (oneHot: Tensor) => {
      const losses = comparedJointLosses(net, module, { x, oneHot }, JOINT_OPTIONS);
      const by = (loss: Tensor) => gradients(loss, variables);
      return gradientCosine(by(losses.pseudo), by(losses.supervised));
    };
    const own = stopGradient(gamma);
    return { gamma, own: randomness(own), other: randomness(affine(own, -1, 1)) };
  });
  program.run();
  const { gamma, own, other } = await program.read();
  assert(gamma.every((value) => value < 1e-9 || value > 1 - 1e-9), `γ are ${gamma}`);
  assertEquals(new Set(gamma.map(Math.round)).size, 2);
  assertAlmostEquals(own[0], 1, 1e-6);
  assertLess(other[0], 0.99);
});

Deno.test("AE-CM's losses of the sample are the sums of its batches', the prior's too", async () => {
  using state = new State(new OracleBackend());
  const { net, x, module, start } = await moduleScene(state);
  start(1);
  const data = Uint32Array.from({ length: 2 * AUDIT_ROWS }, (_, i) => i % AUDIT_ROWS);
  const numbers = state.variable("every row twice", [data.length], { dtype: "u32", data });
  using program = await trace(state.backend, () => {
    const pseudo = (x: Tensor) => {
      const oneHot = module.assign(net.encode(x));
      return comparedJointLosses(net, module, { x, oneHot }, JOINT_OPTIONS).pseudo;
    };
    return { once: pseudo(x), twice: pseudo(gather(Table.of(x), numbers)) };
  });
  program.run();
  const { once, twice } = await program.read();
  assertAlmostEquals(twice[0], 2 * once[0], 1e-9);
});

const [ROWS, SIDE, CLUSTERS] = [90, 6, 3];
/** Images with a bright bar in one of three places, and noise; `kinds` are their places. */
const kinds = Array.from({ length: ROWS }, (_, i) => i % CLUSTERS);
const random = new RandomStream(11, 1);
const images = {
  data: Float32Array.from({ length: ROWS * SIDE * SIDE }, (_, i) => {
    const row = Math.floor((i % (SIDE * SIDE)) / SIDE);
    const kind = kinds[Math.floor(i / (SIDE * SIDE))];
    return (Math.floor(row / 2) === kind ? 0.7 : 0) + random.uniform(0, 0.3);
  }),
  n: ROWS,
  d: SIDE * SIDE,
  height: SIDE,
  width: SIDE,
};

/** Short trainings with several checks; each method takes what it knows. */
const SHORT = {
  clusters: CLUSTERS,
  hidden: [16],
  latent: 3,
  batchSize: 30,
  channels: 12,
  pretrainSteps: 300,
  constructionSteps: 20,
  labelSteps: 9,
  moduleSteps: 50,
  steps: 40,
  checkInterval: 10,
  nInit: 2,
  tol: 0,
};

/** Fits the images; the checkpoint is the last one. */
async function fit(
  method: Method,
  featureDiagnostics: boolean,
  truth?: readonly number[],
  samples: Samples = images,
  options: OptionValues = {},
): Promise<{ result: FitResult; checkpoint: Checkpoint }> {
  const known = method.options.map(({ name }) => name);
  const given = Object.entries({ ...SHORT, ...options, featureDiagnostics });
  const values = Object.fromEntries(given.filter(([name]) => known.includes(name)));
  const model = method.create(values);
  const backend = await openCpuBackend({ threads: 1 });
  try {
    let checkpoint: Checkpoint | undefined;
    const save = (saved: Checkpoint) => Promise.resolve(void (checkpoint = saved));
    const result = await model.fit(samples, {
      backend,
      ...(truth === undefined ? {} : { truth }),
      save,
    });
    return { result, checkpoint: checkpoint! };
  } finally {
    await model.dispose();
    await backend.dispose();
  }
}

const COSINES = [
  "featureRandomness",
  "featureDrift",
  "ownFeatureRandomness",
  "ownFeatureDrift",
] as const;

/** The rows of the log with cosines. */
function diagnosed({ history }: FitResult): readonly LogRow[] {
  return history.filter((row) => COSINES.some((name) => name in row));
}

const JOINT = ["dynae", "vade", "dec", "idec", "dcn", "dkm", "depict", "ae-cm"];

Deno.test("every method that trains an encoder and clusters together has the option", () => {
  const having = Object.values(METHODS).filter(({ options }) =>
    options.some(({ name }) => name === "featureDiagnostics")
  );
  assertEquals(having.map(({ name }) => name).sort(), [...JOINT].sort());
});

for (const name of JOINT) {
  const method = METHODS[name];

  Deno.test(`${name} logs both cosines at checks, and trains to the same bytes`, async () => {
    const [plain, asked] = [await fit(method, false, kinds), await fit(method, true, kinds)];
    const { history: log, ...result } = plain.result;
    const { history: logAsked, ...resultAsked } = asked.result;
    assertEquals(resultAsked, result);
    assertEquals(asked.checkpoint.variables, plain.checkpoint.variables);
    assertEquals(diagnosed(plain.result), []);
    const scores = (row: LogRow) =>
      Object.fromEntries(
        Object.entries(row).filter(([name]) => !COSINES.some((cosine) => cosine === name)),
      );
    assertEquals(logAsked.map(scores), log);
    const rows = diagnosed(asked.result);
    assertGreater(rows.length, 3);
    assertEquals(rows, logAsked.filter((row) => "acc" in row), "at every check that scores");
    const own = name === "dynae" ? COSINES.length : 2;
    const cosines = rows.flatMap((row) => COSINES.slice(0, own).map((name) => row[name]));
    assertEquals(rows.every((row) => COSINES.slice(own).every((name) => !(name in row))), true);
    for (const cosine of cosines) {
      if (cosine === null) continue;
      assert(typeof cosine === "number" && Math.abs(cosine) <= 1, `${cosine}`);
    }
    assertGreater(cosines.filter((cosine) => cosine !== null).length, cosines.length / 2);
    assertEquals(diagnosed((await fit(method, true)).result), [], "without classes");
  });

  // AE-CM's γ follow its prior, too: see above.
  if (name === "ae-cm") continue;
  Deno.test(`${name}: its own labels teach what classes like them would, others do not`, async () => {
    const mean = async (truth: readonly number[]) => {
      const rows = diagnosed((await fit(method, true, truth)).result);
      return rows.reduce((sum, row) => sum + Number(row.featureRandomness), 0) / rows.length;
    };
    const own = await mean(kinds);
    // Bars as clear as these are what every method finds.
    assertGreater(own, 0.97);
    // Each kind's rows are dealt out to three classes.
    assertLess(await mean(kinds.map((_, i) => Math.floor(i / CLUSTERS) % CLUSTERS)), own - 0.2);
  });
}

Deno.test("DynAE's own form compares its whole loss with all rows' distance to their classes", async () => {
  // Every row is unconflicted, and without the image term the loss is the distance to the labels'.
  const options = { kappa: 0, gamma: 0 };
  const { result } = await fit(METHODS.dynae, true, kinds, images, options);
  const exact = diagnosed(result).filter(({ acc, tau }) => acc === 1 && tau === 0);
  assertGreater(exact.length, 0);
  for (const row of exact) assertAlmostEquals(Number(row.ownFeatureRandomness), 1, 1e-6);
  const weighted = await fit(METHODS.dynae, true, kinds, images, { ...options, gamma: 100 });
  const rows = diagnosed(weighted.result).filter(({ tau }) => tau === 0);
  assertLess(Number(rows[0].ownFeatureRandomness), 0.999);
  // Where no row is conflicted, B draws centroids and reconstructs nothing.
  assertNotEquals(rows[0].ownFeatureDrift, rows[0].featureDrift);
});

Deno.test("rows that are read as they are needed are not diagnosed", async () => {
  const n = 2100;
  const source: RowSource = {
    windowRows: 1024,
    read(first, into) {
      const { d, data } = images;
      for (let i = 0; i < into.length; i++) into[i] = data[(first * d + i) % data.length];
      return Promise.resolve();
    },
  };
  const truth = Array.from({ length: n }, (_, i) => kinds[i % ROWS]);
  const { result } = await fit(METHODS.dec, true, truth, { data: source, n, d: images.d });
  assert(result.history.some((row) => "acc" in row));
  assertEquals(diagnosed(result), []);
});
