/** Gaussian mixtures: against scikit-learn's numbers, and what EM promises. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { Factorization } from "../models/shallow/cholesky.ts";
import { DivergedError } from "../models/estimator.ts";
import { GaussianMixture } from "../models/gmm.ts";
import {
  assignToMixture,
  bicOf,
  ExpectationMaximization,
  type MixtureFit,
  type MixtureOptions,
  type Standardization,
  standardizationOf,
} from "../models/shallow/mixture.ts";

import { choiceRows } from "./choice_rows.ts";

const backend = await openCpuBackend({ threads: 1 });

const OPTIONS: MixtureOptions = {
  clusters: 3,
  covariance: "full",
  prior: 1,
  sigma2: 0,
  regCovar: 1e-3,
  maxIterations: 4,
  tolerance: 0,
  seed: 0,
};

async function fitPartition(
  data: Float32Array,
  d: number,
  partition: number[],
  changes: Partial<MixtureOptions>,
): Promise<MixtureFit & { standardization: Standardization }> {
  const standardization = standardizationOf(data, d);
  const options = { ...OPTIONS, ...changes };
  using em = await ExpectationMaximization.create(backend, data, d, standardization, options);
  return { ...await em.fromPartition(partition), standardization };
}

/**
 * Made with scikit-learn 1.2.1 in float64: X as below, rounded to float32; parameters by
 * _estimate_gaussian_parameters of the partition floor(i/2) % 3 with reg_covar = 1e-3 · the mean
 * variance of the columns; then _e_step and _m_step in turns. The isotropic numbers are from
 * methods' formulas in NumPy, with α = 3.
 */
const GOLDEN = {
  full: {
    prior: 1,
    objectives: [-5.23606868, -5.17226064, -5.12678284, -5.09729411, -5.07981797],
    weights: [0.465539656, 0.062564718, 0.471895626],
    means: [
      ...[2.637701867, 1.404526961, -0.074863767],
      ...[1.622495628, 0.73828986, 1.684529639],
      ...[0.004565151, 1.393507119, 2.583920011],
    ],
    covariances: [
      ...[3.891327966, -4.191295097, 0.213131882, -4.191295097, 5.689286521, -2.416806753],
      ...[0.213131882, -2.416806753, 4.569162007],
      ...[3.648014373, -0.872768221, -2.893042016, -0.872768221, 2.565537144, -2.425208039],
      ...[-2.893042016, -2.425208039, 7.313043712],
      ...[0.492021769, -0.825826985, 0.003152803, -0.825826985, 6.218771242, -6.016180897],
      ...[0.003152803, -6.016180897, 8.357779332],
    ],
  },
  diag: {
    prior: 1,
    objectives: [-6.55872211, -6.45250329, -6.35724561, -6.26548112, -6.19504608],
    weights: [0.226837957, 0.312428031, 0.460734012],
    means: [
      ...[2.944545649, 1.676828971, -1.350439558],
      ...[2.473497028, -1.173115719, 3.197656072],
      ...[-0.236805723, 2.916627709, 1.296136526],
    ],
    covariances: [
      ...[2.01306502, 1.250685292, 2.047803211],
      ...[3.615887671, 0.639182538, 4.769040979],
      ...[0.402051338, 4.649160601, 7.645859753],
    ],
  },
  isotropic: {
    prior: 3,
    objectives: [-6.942642125, -6.836017974, -6.759160134, -6.731560204, -6.723351307],
    weights: [0.362136442, 0.374112946, 0.263750611],
    means: [
      ...[1.763052044, 2.890520682, -1.476321067],
      ...[1.756239619, -0.830492817, 3.703789486],
      ...[0.093003894, 2.401318394, 1.666806091],
    ],
    covariances: [3.118669901],
  },
} as const;

function assertClose(actual: Iterable<number>, expected: readonly number[], what: string): void {
  const values = [...actual];
  const size = Math.max(...expected.map(Math.abs));
  assertEquals(values.length, expected.length);
  values.forEach((value, i) => assertAlmostEquals(value, expected[i], 2e-5 * size, `${what} ${i}`));
}

for (const covariance of ["full", "diag", "isotropic"] as const) {
  Deno.test(`EM with ${covariance} covariances gives scikit-learn's numbers`, async () => {
    const [n, d] = [60, 3];
    const value = (i: number, j: number) =>
      Math.sin(1.7 * i + 2.3 * j) * (1 + j) + (i % 3 === j ? 4 : 0);
    const data = Float32Array.from({ length: n * d }, (_, i) => value(Math.floor(i / d), i % d));
    const partition = Array.from({ length: n }, (_, i) => Math.floor(i / 2) % 3);
    const golden = GOLDEN[covariance];
    const { prior } = golden;
    const found = await fitPartition(data, d, partition, { covariance, prior });
    const { mixture, objectives, standardization: { shift, scale } } = found;
    assertClose(objectives, golden.objectives, "objective");
    assertClose(mixture.weights, golden.weights, "weight");
    const means = mixture.means.map((mean, i) => shift[i % d] + scale * mean);
    assertClose(means, golden.means, "mean");
    assertClose(mixture.covariances.map((v) => v * scale ** 2), golden.covariances, "covariance");
  });

  Deno.test(`EM with ${covariance} covariances never lowers the likelihood`, async () => {
    const [n, d] = [1500, 4];
    const random = new RandomStream(5, 1);
    const data = Float32Array.from(
      { length: n * d },
      (_, i) =>
        random.uniform(-1, 1) * (1 + (i % 3)) + 3 * (Math.floor(i / d) % 4 === i % d ? 1 : 0),
    );
    const partition = Array.from({ length: n }, () => random.below(3));
    const settings = { covariance, regCovar: 0, maxIterations: 40 };
    const { objectives, iterations } = await fitPartition(data, d, partition, settings);
    assertEquals(iterations, 40);
    assertGreater(objectives.at(-1)!, objectives[0] + 1e-3);
    // The mean of log densities of about d in magnitude, each to some d roundings of float32.
    const rounding = d * d * 2 ** -23;
    objectives.slice(1).forEach((objective, i) =>
      assertGreaterOrEqual(objective, objectives[i] - rounding, `step ${i}`)
    );
  });
}

/**
 * scikit-learn 1.2.1's GaussianMixture(3, tol=1e-10, max_iter=5000, reg_covar=0, n_init=10) on
 * choiceRows: bic, and the sorted predict_proba of the first four rows.
 */
const CHOICE = {
  full: [825.9042360423831, [
    [0, 0.000376, 0.999624],
    [2e-6, 0.017509, 0.982489],
    [4e-6, 0.001169, 0.998827],
    [0, 8e-6, 0.999992],
  ]],
  diag: [813.8267491837198, [
    [0.00061, 0.015277, 0.984113],
    [0, 1.7e-5, 0.999983],
    [0, 0.002141, 0.997859],
    [0, 0.002212, 0.997788],
  ]],
} as const;

for (const covariance of ["full", "diag"] as const) {
  Deno.test(`BIC and responsibilities of ${covariance} covariances are scikit-learn's`, async () => {
    const samples = choiceRows();
    const settings = { nInit: 10, regCovar: 0, tolerance: 1e-8, maxIterations: 400 };
    const model = new GaussianMixture({ clusters: 3, covariance, ...settings });
    const { bic } = await model.fit(samples, { backend });
    const [expected, responsibilities] = CHOICE[covariance];
    assertAlmostEquals(bic!, expected, 0.01);
    const found = await model.predictProba(samples);
    responsibilities.forEach((row, i) => {
      const own = [...found.slice(3 * i, 3 * i + 3)].sort((a, b) => a - b);
      own.forEach((value, c) => assertAlmostEquals(value, row[c], 1e-3));
    });
    await model.dispose();
  });
}

Deno.test("the prior is no part of BIC; free parameters are counted by the covariances", () => {
  const { n, d } = choiceRows();
  const weights = [0.5, 0.25, 0.25];
  const bic = (covariance: "full" | "diag" | "isotropic", sigma2 = 0, prior = 1, objective = -2) =>
    bicOf(objective, weights, n, d, { covariance, prior, sigma2 });
  const base = 2 * 2 * n;
  assertAlmostEquals(bic("full"), base + (2 + 6 + 9) * Math.log(n), 1e-9);
  assertAlmostEquals(bic("diag"), base + (2 + 6 + 6) * Math.log(n), 1e-9);
  assertAlmostEquals(bic("isotropic"), base + (2 + 6 + 1) * Math.log(n), 1e-9);
  assertAlmostEquals(bic("isotropic", 0.5), base + (2 + 6) * Math.log(n), 1e-9);
  const logPrior = 2 * weights.reduce((sum, weight) => sum + Math.log(weight), 0);
  assertAlmostEquals(bic("full", 0, 3, -2 + logPrior / n), bic("full"), 1e-9);
});

Deno.test("an isotropic variance can be fixed, in the data's units", async () => {
  const data = Float32Array.from({ length: 80 }, (_, i) => 10 * (i % 2) + Math.sin(i));
  const model = new GaussianMixture({ clusters: 2, covariance: "isotropic", sigma2: 0.5 });
  let variance = 0;
  await model.fit({ data, n: 80, d: 1 }, {
    backend,
    save: ({ variables }) => {
      const scale = variables.get("scale")!.data[0];
      return Promise.resolve(
        void (variance = variables.get("covariances")!.data[0] * scale ** 2),
      );
    },
  });
  assertAlmostEquals(variance, 0.5, 1e-6);
  await model.dispose();
});

/** Two strips beside one another, longer than they are far apart: rows take turns. */
const STRIPS = (() => {
  const random = new RandomStream(7, 1);
  return Float32Array.from(
    { length: 1200 },
    (_, i) =>
      i % 2 === 0 ? random.uniform(-10, 10) : random.uniform(-0.5, 0.5) + 3 * ((i >> 1) % 2),
  );
})();

Deno.test("full covariances mend a partition of elongated clusters", async () => {
  const n = STRIPS.length / 2;
  const partition = Array.from({ length: n }, (_, i) => i % 5 === 0 ? 0 : i % 2);
  const settings = { clusters: 2, maxIterations: 50 };
  const { mixture, standardization } = await fitPartition(STRIPS, 2, partition, settings);
  const found = await assignToMixture(backend, STRIPS, 2, standardization, "full", mixture);
  found.forEach((label, i) => assertEquals(label, i % 2));
});

Deno.test("the data's units do not matter", async () => {
  const fit = async (data: Float32Array) => {
    const model = new GaussianMixture({ clusters: 2, nInit: 2 });
    const { labels } = await model.fit({ data, n: data.length / 2, d: 2 }, { backend });
    await model.dispose();
    return labels;
  };
  assertEquals(await fit(STRIPS.map((value) => 1024 * value)), await fit(STRIPS));
});

Deno.test("full covariances that would take gigabytes are refused with the way out, diag is not", async () => {
  const [n, d] = [4, 10_000];
  const samples = { data: Float32Array.from({ length: n * d }, (_, i) => Math.sin(i)), n, d };
  const error = await assertRejects(
    () => new GaussianMixture({ clusters: 2 }).fit(samples, { backend }),
    RangeError,
  );
  assertStringIncludes(error.message, "200000000 values, some 6.4 GB; take the `covariance` diag");
  const diag = new GaussianMixture({ clusters: 2, covariance: "diag", nInit: 1 });
  assertEquals((await diag.fit(samples, { backend })).labels.length, n);
  await diag.dispose();
});

Deno.test("a covariance without an inverse is an error that says what to do", async () => {
  const data = Float32Array.from({ length: 40 }, (_, i) => i % 2 === 0 ? i : 1);
  const model = new GaussianMixture({ clusters: 2, regCovar: 0 });
  const error = await assertRejects(
    () => model.fit({ data, n: 20, d: 2 }, { backend }),
    DivergedError,
  );
  assert(error.message.includes("raise regCovar"));
  assertEquals(backend.memory().bytes, 0);
});

Deno.test("Cholesky factors and their inverses", () => {
  // About the tiles of 4 × 2 sums.
  for (const d of [1, 2, 5, 8, 11, 14]) {
    const random = new RandomStream(3, 1);
    const product = (a: Float64Array, b: Float64Array, stride: number) =>
      Float64Array.from({ length: d * d }, (_, place) => {
        const [i, j] = [Math.floor(place / d), place % d];
        let total = 0;
        for (let k = 0; k < d; k++) total += a[i * stride + k] * b[j * stride + k];
        return total;
      });
    const factorization = new Factorization(d);
    const { factor, inverse, stride } = factorization;
    // A matrix finds the numbers of the one before in memory, also of one without a factor.
    for (const round of [0, 1, 2]) {
      const root = Float64Array.from({ length: d * d }, () => random.uniform(-1, 1));
      const a = product(root, root, d).map((value, i) => value + (i % (d + 1) === 0 ? 0.1 : 0));
      assert(factorization.decompose(a), `${d}, ${round}`);
      product(factor, factor, stride).forEach((value, i) => assertAlmostEquals(value, a[i], 1e-12));
      factorization.invert();
      product(factor, inverse, stride).forEach((value, i) =>
        assertAlmostEquals(value, i % (d + 1) === 0 ? 1 : 0, 1e-10)
      );
      if (round === 1) assert(!factorization.decompose(a.map((value) => -value)), `${d}`);
    }
  }
  assert(!new Factorization(2).decompose(Float64Array.of(1, 2, 2, 1)));
});
