import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { Mlp, Parameters } from "../engine/network/module.ts";
import { orthonormalize } from "../engine/ops/orthonormalize.ts";
import { softmax } from "../engine/ops/softmax.ts";
import { sub } from "../engine/ops/binary.ts";
import { mean, sum } from "../engine/ops/sum.ts";
import { square } from "../engine/ops/unary.ts";
import { Adam, minimizeTogether } from "../engine/network/optim.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { type Outputs, trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AECM, jointLosses, orthonormalityPenalty, unitSparsityTerm } from "../models/ae_cm.ts";
import { Autoencoder } from "../models/networks/autoencoder.ts";
import { CM } from "../models/cm.ts";
import {
  clustered,
  clusteringLosses,
  ClusteringModule,
  identityMatrix,
  mergingTerm,
  priorTerm,
  reconstructionTerm,
  sparsityTerm,
} from "../models/networks/clustering_module.ts";
import type { Checkpoint } from "../models/estimator.ts";
import { pseudoInverse } from "../models/networks/pseudo_inverse.ts";

/** A matrix of float32 values. */
interface Matrix {
  readonly shape: readonly [rows: number, columns: number];
  readonly data: Float32Array;
}

function matrix(rows: number, columns: number, random: RandomStream, size = 1): Matrix {
  const data = Float32Array.from({ length: rows * columns }, () => random.uniform(-size, size));
  return { shape: [rows, columns], data };
}

/** What the oracle makes of matrices, in float64. */
async function evaluate<T extends Outputs>(
  matrices: readonly Matrix[],
  fn: (...tensors: Tensor[]) => T,
): Promise<{ [K in keyof T]: number[] }> {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const variables = matrices.map(({ shape, data }, i) => state.variable(`m${i}`, shape, { data }));
  using program = await trace(oracle, () => fn(...variables));
  program.run();
  const outputs = await program.read();
  return Object.fromEntries(
    Object.entries(outputs).map(([name, values]) => [name, [...values]]),
  ) as { [K in keyof T]: number[] };
}

/** Σ over i and k of γ_ik·‖x_i − μ_k‖². */
function weightedDistances(x: Matrix, gamma: number[], centroids: ArrayLike<number>): number {
  const [n, p] = x.shape;
  const k = gamma.length / n;
  let total = 0;
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < k; c++) {
      for (let j = 0; j < p; j++) {
        total += gamma[i * k + c] * (x.data[i * p + j] - centroids[c * p + j]) ** 2;
      }
    }
  }
  return total;
}

const sizes = fc.record({
  n: fc.integer({ min: 1, max: 7 }),
  k: fc.integer({ min: 1, max: 5 }),
  p: fc.integer({ min: 1, max: 4 }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

Deno.test("CM: E1 + E2 + E3 is the sum of squared distances, weighted by γ", async () => {
  await fc.assert(
    fc.asyncProperty(sizes, async ({ n, k, p, seed }) => {
      const random = new RandomStream(seed, 1);
      const [x, logits, centroids] = [
        matrix(n, p, random, 2),
        matrix(n, k, random, 5),
        matrix(k, p, random, 2),
      ];
      const { gamma, total, e1, e2, e3 } = await evaluate([x, logits, centroids], (x, l, u) => {
        const parts = clustered(softmax(l), u);
        return {
          gamma: parts.gamma,
          e1: reconstructionTerm(x, parts),
          e2: sparsityTerm(parts),
          e3: mergingTerm(parts),
          total: clusteringLosses(x, parts, { prior: 1, normalize: false }).total,
        };
      });
      const expected = weightedDistances(x, gamma, centroids.data);
      assertAlmostEquals(e1[0] + e2[0] + e3[0], expected, 1e-9 * (1 + expected));
      assertAlmostEquals(total[0], expected, 1e-9 * (1 + expected));
    }),
    { numRuns: 30 },
  );
});

Deno.test("CM: each term is its formula", async () => {
  const [n, k, p] = [6, 3, 2];
  const random = new RandomStream(3, 1);
  const [x, logits, centroids] = [matrix(n, p, random), matrix(n, k, random), matrix(k, p, random)];
  const u = (c: number, j: number) => centroids.data[c * p + j];
  const dot = (a: number, b: number) => u(a, 0) * u(b, 0) + u(a, 1) * u(b, 1);
  for (const normalize of [false, true]) {
    const found = await evaluate([x, logits, centroids], (x, l, u) => {
      const gamma = softmax(l);
      return {
        gamma,
        ...clusteringLosses(x, clustered(gamma, u), { prior: 4, normalize }),
      };
    });
    const gamma = (i: number, c: number) => found.gamma[i * k + c];
    let [e1, e2, e3, e4] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < p; j++) {
        let reconstructed = 0;
        for (let c = 0; c < k; c++) reconstructed += gamma(i, c) * u(c, j);
        e1 += (x.data[i * p + j] - reconstructed) ** 2;
      }
      for (let a = 0; a < k; a++) {
        e2 += gamma(i, a) * (1 - gamma(i, a)) * dot(a, a);
        for (let b = 0; b < k; b++) if (a !== b) e3 -= gamma(i, a) * gamma(i, b) * dot(a, b);
      }
    }
    for (let c = 0; c < k; c++) {
      let share = 0;
      for (let i = 0; i < n; i++) share += gamma(i, c) / n;
      e4 += (1 - 4) * Math.log(share + 1e-10);
    }
    const factor = normalize ? 1 / (n * p) : 1;
    assertAlmostEquals(found.reconstruction[0], factor * e1, 1e-12);
    assertAlmostEquals(found.sparsity[0], factor * e2, 1e-12);
    assertAlmostEquals(found.merging[0], factor * e3, 1e-12);
    assertAlmostEquals(found.prior[0], e4, 1e-12);
    assertAlmostEquals(found.total[0], factor * (e1 + e2 + e3) + e4, 1e-12);
  }
});

Deno.test("CM: certain assignments have no sparsity loss", async () => {
  const identity: Matrix = { shape: [3, 3], data: identityMatrix(3) };
  const certain: Matrix = {
    shape: [4, 3],
    data: Float32Array.of(1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0),
  };
  const { e2, unit, penalty } = await evaluate([certain, identity], (gamma, u) => ({
    e2: sparsityTerm(clustered(gamma, u)),
    unit: unitSparsityTerm(gamma),
    penalty: orthonormalityPenalty(u, u, "l1"),
  }));
  assertEquals([e2, unit, penalty], [[0], [0], [0]]);
});

Deno.test("CM: where all clusters are as large, the prior pulls at each alike", async () => {
  const [n, k, alpha] = [4, 4, 30];
  const even: Matrix = { shape: [n, k], data: new Float32Array(n * k).fill(1 / k) };
  const { slope } = await evaluate([even], (gamma) => ({
    slope: gradients(priorTerm(gamma, alpha), [gamma])[0],
  }));
  for (const value of slope) assertAlmostEquals(value, (1 - alpha) * k / n, 1e-6);
});

Deno.test("CM: the loss is the M-step of tied isotropic Gaussians with 2σ² = 1", async () => {
  const [n, k, p] = [9, 3, 2];
  const random = new RandomStream(5, 1);
  const [x, logits] = [matrix(n, p, random, 2), matrix(n, k, random, 2)];
  const { gamma } = await evaluate([logits], (l) => ({ gamma: softmax(l) }));
  // The M-step's means: μ_k = Σ_i γ_ik·x_i / Σ_i γ_ik.
  const means = new Float32Array(k * p);
  for (let c = 0; c < k; c++) {
    let weight = 0;
    for (let i = 0; i < n; i++) weight += gamma[i * k + c];
    for (let j = 0; j < p; j++) {
      for (let i = 0; i < n; i++) means[c * p + j] += gamma[i * k + c] * x.data[i * p + j] / weight;
    }
  }
  const loss = (x: Tensor, l: Tensor, u: Tensor) =>
    clusteringLosses(x, clustered(softmax(l), u), { prior: 1, normalize: false }).total;
  const at = async (centroids: Float32Array) =>
    await evaluate([x, logits, { shape: [k, p], data: centroids }], (x, l, u) => ({
      loss: loss(x, l, u),
      slope: gradients(loss(x, l, u), [u])[0],
    }));
  const best = await at(means);
  for (const value of best.slope) assertAlmostEquals(value, 0, 1e-5);
  // The part of −Q that depends on the means, by log N(x | μ, σ²I) = −‖x − μ‖²/(2σ²) + const.
  assertAlmostEquals(best.loss[0], weightedDistances(x, gamma, means), 1e-9);
  assertGreater((await at(means.map((value) => value + 0.1))).loss[0], best.loss[0]);
});

Deno.test("CM: the averaging epoch ends with the mean of what it went through", async () => {
  const [n, d, batchSize] = [37, 3, 8];
  const random = new RandomStream(7, 1);
  const samples = { data: matrix(n, d, random).data, n, d };
  const cpu = await openCpuBackend({ threads: 1 });
  const saved: Checkpoint[] = [];
  const model = new CM({ clusters: 3, batchSize, steps: 5, init: "rand", learningRate: 0.05 });
  await model.fit(samples, {
    backend: cpu,
    saveSteps: 1,
    saveSeconds: Infinity,
    save: (checkpoint) => Promise.resolve(void saved.push(structuredClone(checkpoint))),
  });
  const stepOf = ({ host }: Checkpoint) => {
    const phases = host.phases as Record<string, { step: number }>;
    return phases["clustering, averaging"]?.step ?? 0;
  };
  const batches = Math.floor(n / batchSize);
  for (const name of ["encoder.0.weight", "encoder.0.bias", "decoder.0.weight", "decoder.0.bias"]) {
    const through = Array.from({ length: batches }, (_, step) => {
      const checkpoint = saved.find((one) => stepOf(one) === step + 1)!;
      return checkpoint.variables.get(name)!.data;
    });
    const end = saved.at(-1)!.variables.get(name)!.data;
    end.forEach((value, i) => {
      const mean = through.reduce((total, values) => total + values[i], 0) / batches;
      assertAlmostEquals(value, mean, 1e-6);
    });
    assertGreater(Math.abs(end[0] - through.at(-1)![0]), 1e-4);
  }
  await model.dispose();
  await cpu.dispose();
});

Deno.test("CM: rand and pre find three clear clusters; the prototypes lie in them", async () => {
  const [n, d] = [90, 2];
  const random = new RandomStream(1, 1);
  const places = [[0, 0], [6, 0], [0, 6]];
  const data = Float32Array.from(
    { length: n * d },
    (_, i) => places[Math.floor(i / d) % 3][i % d] + random.uniform(-1, 1),
  );
  const cpu = await openCpuBackend({ threads: 1 });
  const changes = { clusters: 3, batchSize: 30, prior: 30, learningRate: 0.02, steps: 1500 };
  for (const init of ["rand", "pre", "posterior"] as const) {
    const model = new CM({ ...changes, init });
    const { labels, prototypes } = await model.fit({ data, n, d }, { backend: cpu });
    labels.forEach((label, i) => assertEquals(label, labels[i % 3], init));
    assertEquals(new Set(labels).size, 3);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < d; j++) {
        assertAlmostEquals(prototypes![labels[i] * d + j], places[i][j], 0.5);
      }
    }
    await model.dispose();
  }
  await cpu.dispose();
});

Deno.test("the pseudo-inverse is one, of full rank or not", () => {
  const random = new RandomStream(2, 1);
  const tall = matrix(5, 2, random);
  const deficient = matrix(3, 4, random);
  deficient.data.copyWithin(4, 0, 4);
  for (
    const { shape: [m, n], data } of [matrix(3, 6, random), tall, deficient, matrix(1, 1, random)]
  ) {
    const inverse = pseudoInverse(data, m, n);
    const times = (a: ArrayLike<number>, b: ArrayLike<number>, [r, s, t]: number[]) =>
      Float64Array.from({ length: r * t }, (_, at) => {
        let total = 0;
        for (let j = 0; j < s; j++) total += a[Math.floor(at / t) * s + j] * b[j * t + at % t];
        return total;
      });
    const again = times(times(data, inverse, [m, n, m]), data, [m, m, n]);
    again.forEach((value, i) => assertAlmostEquals(value, data[i], 1e-9));
    const back = times(times(inverse, data, [n, m, n]), inverse, [n, n, m]);
    back.forEach((value, i) => assertAlmostEquals(value, inverse[i], 1e-9));
  }
  assertEquals([...pseudoInverse([0, 0], 1, 2)], [0, 0]);
});

Deno.test("orthonormalize: rows of norm 1 at right angles that span the same", async () => {
  const a = matrix(3, 5, new RandomStream(4, 1));
  const { q } = await evaluate([a], (a) => ({ q: orthonormalize(a) }));
  const product = (i: number, j: number, b: ArrayLike<number>) =>
    [0, 1, 2, 3, 4].reduce((total, c) => total + q[i * 5 + c] * b[j * 5 + c], 0);
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 3; j++) assertAlmostEquals(product(i, j, q), i === j ? 1 : 0, 1e-12);
    // Row i of a has no part along later rows of q, and a positive one along its own.
    for (let j = i + 1; j < 3; j++) assertAlmostEquals(product(j, i, a.data), 0, 1e-12);
    assertGreater(product(i, i, a.data), 0);
  }
  const narrow = matrix(3, 2, new RandomStream(4, 1));
  await evaluate([narrow], (a) => {
    assertThrows(() => orthonormalize(a), RangeError, "at least as many columns as rows");
    return {};
  });
});

/** Σ ‖z − z̄‖² of a code trained by AE-CM's loss, or by CM's alone, as a share of what it was. */
async function trainedSpread(isJoint: boolean): Promise<number> {
  const [n, d, p, k] = [40, 5, 3, 3];
  const cpu = await openCpuBackend({ threads: 1 });
  using state = new State(cpu);
  const random = new RandomStream(6, 1);
  const x = state.variable("x", [n, d], { data: matrix(n, d, random, 2).data });
  const net = new Autoencoder(state, { inputs: d, hidden: [8], latent: p }, 1);
  const head = new Autoencoder(state, { inputs: p, hidden: [], latent: k }, 1, "glorot", {
    prefix: "module ",
  });
  const identity = state.variable("identity", [k, k], { data: identityMatrix(k) });
  const module = new ClusteringModule(head, identity);
  const alone = { prior: 1, normalize: false };
  const joint = { ...alone, beta: 1, orthonormality: "l1", orthonormalityWeight: 1 } as const;
  const layers = net.parameters.variables;
  const blocks = [
    net.parameters.part(layers.slice(0, layers.length / 2)),
    net.parameters.part(layers.slice(layers.length / 2)),
    module.net.parameters,
  ];
  const [encoder, decoder, centroids] = blocks.map((block, i) =>
    new Adam(state, `adam ${i}`, block, { learningRate: 0.01 })
  );
  using program = await trace(cpu, () => {
    const z = net.encode(x);
    const parts = module.apply(z);
    const spread = sum(square(sub(z, mean(z, 0, 1))));
    const losses = isJoint
      ? jointLosses({ x, decoded: net.decode(z), z, parts, identity }, joint)
      : clusteringLosses(z, parts, alone);
    minimizeTogether(losses.total, isJoint ? [encoder, decoder, centroids] : [encoder, centroids]);
    return { spread };
  });
  program.run();
  const before = (await program.read()).spread[0];
  program.run(600);
  const after = (await program.read()).spread[0];
  await cpu.dispose();
  return after / before;
}

Deno.test("AE-CM: without reconstruction and orthonormality the code collapses", async () => {
  assertLess(await trainedSpread(false), 0.01);
  assertGreater(await trainedSpread(true), 0.3);
});

Deno.test("AE-CM: the joint loss is its formula", async () => {
  const [n, d, p, k] = [4, 3, 3, 2];
  const random = new RandomStream(8, 1);
  const matrices = [
    matrix(n, d, random),
    matrix(n, d, random),
    matrix(n, p, random),
    matrix(n, k, random),
    matrix(k, p, random),
  ];
  const identity: Matrix = { shape: [k, k], data: identityMatrix(k) };
  const [x, decoded, z, , u] = matrices.map(({ data }) => data);
  for (const orthonormality of ["l1", "frobenius", "hard"] as const) {
    for (const normalize of [false, true]) {
      const weights = { prior: 3, normalize, beta: 0.7, orthonormality, orthonormalityWeight: 0.4 };
      const found = await evaluate([...matrices, identity], (x, decoded, z, l, u, identity) => {
        const gamma = softmax(l);
        const losses = jointLosses(
          { x, decoded, z, parts: clustered(gamma, u), identity },
          weights,
        );
        return { gamma, ...losses };
      });
      let [data, code, sparsity, penalty] = [0, 0, 0, 0];
      for (let i = 0; i < n * d; i++) data += (x[i] - decoded[i]) ** 2;
      for (let i = 0; i < n * p; i++) {
        const row = Math.floor(i / p) * k;
        const reconstructed = found.gamma[row] * u[i % p] + found.gamma[row + 1] * u[p + i % p];
        code += (z[i] - reconstructed) ** 2;
      }
      for (const gamma of found.gamma) sparsity += gamma * (1 - gamma);
      for (let a = 0; a < k; a++) {
        for (let b = 0; b < k; b++) {
          let excess = a === b ? -1 : 0;
          for (let j = 0; j < p; j++) excess += u[a * p + j] * u[b * p + j];
          penalty += orthonormality === "l1" ? Math.abs(excess) : excess ** 2;
        }
      }
      const expected = {
        reconstruction: 0.7 * data / (normalize ? n * d : 1),
        code: code / (normalize ? n * p : 1),
        sparsity: sparsity / (normalize ? n * p : 1),
        orthonormality: orthonormality === "hard" ? 0 : 0.4 * penalty,
      };
      let total = found.prior[0];
      for (const [name, value] of Object.entries(expected)) {
        assertAlmostEquals(found[name as keyof typeof expected][0], value, 1e-12, name);
        total += value;
      }
      assertAlmostEquals(found.total[0], total, 1e-12);
    }
  }
});

Deno.test("AE-CM: hard orthonormality holds exactly, and needs a code that is large enough", async () => {
  const [n, d] = [24, 5];
  const samples = { data: matrix(n, d, new RandomStream(9, 1)).data, n, d };
  const small = { clusters: 3, hidden: [6], batchSize: 8, pretrainSteps: 5, moduleSteps: 5 };
  const cpu = await openCpuBackend({ threads: 1 });
  for (const init of ["rand", "pre", "posterior"] as const) {
    const options = { ...small, init, latent: 4, steps: 6, orthonormality: "hard" } as const;
    const model = new AECM(options);
    const { clusterCenters: u } = await model.fit(samples, { backend: cpu });
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        let product = 0;
        for (let j = 0; j < 4; j++) product += u[a * 4 + j] * u[b * 4 + j];
        assertAlmostEquals(product, a === b ? 1 : 0, 1e-5);
      }
    }
    await model.dispose();
  }
  await cpu.dispose();
  assertThrows(
    () => new AECM({ latent: 2, clusters: 3, orthonormality: "hard" }),
    RangeError,
    "needs a latent size of at least the clusters, 3; got 2",
  );
});

Deno.test("without biases AE-CM's module keeps them at 0 and trains its weights", async () => {
  const [n, d] = [40, 6];
  const random = new RandomStream(5, 1);
  const data = Float32Array.from({ length: n * d }, () => random.uniform());
  const cpu = await openCpuBackend({ threads: 1 });
  const largest = async (moduleBiases: boolean) => {
    const sizes = { clusters: 3, latent: 4, hidden: [5], batchSize: 8, steps: 20 };
    const model = new AECM({ ...sizes, init: "rand", moduleBiases });
    let last: Checkpoint | undefined;
    await model.fit({ data, n, d }, {
      backend: cpu,
      saveSeconds: Infinity,
      save: (checkpoint) => {
        last = checkpoint;
        return Promise.resolve();
      },
    });
    await model.dispose();
    return (name: string) => Math.max(...last!.variables.get(`module ${name}`)!.data.map(Math.abs));
  };
  const [withBiases, without] = [await largest(true), await largest(false)];
  for (const name of ["encoder.0", "decoder.0"]) {
    assert(withBiases(`${name}.bias`) > 0);
    assertEquals(without(`${name}.bias`), 0);
    assertNotEquals(without(`${name}.weight`), withBiases(`${name}.weight`));
  }
  await cpu.dispose();
  assertThrows(
    () => new AECM({ init: "posterior", moduleBiases: false }),
    RangeError,
    "ae-cm: the init posterior needs the module's biases",
  );
});

Deno.test("a leaky ReLU lets a fifth of negative values through, in hidden layers alone", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const net = new Mlp([1, 1, 1], () => Float32Array.of(1), "leakyRelu");
  new Parameters(state, { net }, 0);
  const x = state.variable("x", [3, 1], { data: Float32Array.of(-2, 0, 3) });
  using program = await trace(oracle, () => ({ y: net.apply(x) }));
  program.run();
  const [low, zero, high] = (await program.read()).y;
  assertAlmostEquals(low, -0.4, 1e-12);
  assertEquals([zero, high], [0, 3]);
});
