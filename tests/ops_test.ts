import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertLess,
  assertNotEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { checkGradients } from "../engine/gradient/gradcheck.ts";
import { gradients } from "../engine/gradient/gradient.ts";
import { binaryCrossEntropyWithLogits, leakyRelu } from "../engine/ops/activation.ts";
import { log, softplus, square } from "../engine/ops/unary.ts";
import { softAssign } from "../engine/ops/assignment.ts";
import { mul, sub } from "../engine/ops/binary.ts";
import { squaredDistances } from "../engine/ops/distances.ts";
import { matmul, matmulTransposeA, matmulTransposeB } from "../engine/ops/matmul.ts";
import { dropout, maskNoise, randomNormal } from "../engine/ops/noise.ts";
import { stopGradient } from "../engine/ops/reshape.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { logSoftmax, logSumExp, softmax } from "../engine/ops/softmax.ts";
import { sum } from "../engine/ops/sum.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import { State } from "../engine/state/state.ts";
import { Tensor } from "../engine/tensor/tensor.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { gpuTest } from "./gpu.ts";

const [N, P, K] = [37, 5, 4];
const SLOPE = 0.01;
const KEY = { seed: 3, stream: 9 };

type Values = Record<string, Float64Array>;

/** Numbers in [low, high), rounded to float32. */
function draw(stream: number, length: number, low: number, high: number): Float32Array {
  const random = new RandomStream(7, stream);
  return Float32Array.from({ length }, () => random.uniform(low, high));
}

const Z = draw(1, N * P, -2, 2);
const CENTROIDS = draw(2, K * P, -2, 2);
const LOGITS = draw(3, N * K, -20, 20);
const TARGET = draw(4, N * K, 0, 1);

/** Values and gradients of the ops on one backend. */
async function compute(backend: Backend): Promise<Values> {
  using state = new State(backend);
  const z = state.variable("z", [N, P], { data: Z });
  const centroids = state.variable("centroids", [K, P], { data: CENTROIDS });
  const logits = state.variable("logits", [N, K], { data: LOGITS });
  const target = state.variable("target", [N, K], { data: TARGET });
  const step = state.variable("step", [1], { dtype: "u32", data: Uint32Array.of(5) });
  using program = await trace(backend, () => {
    const q = softAssign(z, centroids, 2);
    const divergence = sum(mul(target, sub(log(target), log(q))));
    const [dz, dCentroids] = gradients(divergence, [z, centroids]);
    const [dLeaky] = gradients(sum(mul(leakyRelu(logits, SLOPE), target)), [logits]);
    const [dLogSumExp] = gradients(sum(square(logSumExp(logits))), [logits]);
    const dropped = dropout(logits, 0.25, step, KEY);
    const [dDropped] = gradients(sum(mul(dropped, target)), [logits]);
    return {
      matmul: matmul(logits, centroids),
      matmulTransposeA: matmulTransposeA(z, logits),
      matmulTransposeB: matmulTransposeB(z, centroids),
      softmax: softmax(logits),
      logSoftmax: logSoftmax(logits),
      logSumExp: logSumExp(logits),
      squaredDistances: squaredDistances(z, centroids),
      leakyRelu: leakyRelu(logits, SLOPE),
      softplus: softplus(logits),
      crossEntropy: binaryCrossEntropyWithLogits(logits, target),
      dz,
      dCentroids,
      dLeaky,
      dLogSumExp,
      dropped,
      dDropped,
      masked: maskNoise(logits, 0.25, step, KEY),
      normal: randomNormal(step, [N, K], KEY),
    };
  });
  program.run();
  const values = await program.read();
  return Object.fromEntries(
    Object.entries(values).map(([name, list]) => [name, Float64Array.from(list)]),
  );
}

/** f(i, j) for every element of a matrix. */
function table(rows: number, columns: number, f: (i: number, j: number) => number): Float64Array {
  const at = (e: number) => f(Math.floor(e / columns), e % columns);
  return Float64Array.from({ length: rows * columns }, (_, e) => at(e));
}

const total = (n: number, f: (i: number) => number) =>
  Array.from({ length: n }, (_, i) => f(i)).reduce((a, b) => a + b, 0);

/** The same in plain loops, in float64. */
function expectedValues(): Values {
  const z = (i: number, a: number) => Z[i * P + a];
  const c = (j: number, a: number) => CENTROIDS[j * P + a];
  const l = (i: number, j: number) => LOGITS[i * K + j];
  const t = (i: number, j: number) => TARGET[i * K + j];
  const logSum = (i: number) => Math.log(total(K, (j) => Math.exp(l(i, j))));
  const distance = (i: number, j: number) => total(P, (a) => (z(i, a) - c(j, a)) ** 2);
  const weight = (i: number, j: number) => (1 + distance(i, j) / 2) ** -1.5;
  const q = table(N, K, (i, j) => weight(i, j) / total(K, (m) => weight(i, m)));
  // DEC (arXiv 1511.06335), eq. 4 and 5, for any α, and targets whose rows do not sum to one.
  const pull = table(N, K, (i, j) => {
    const mass = total(K, (m) => t(i, m));
    return 3 / 2 / (1 + distance(i, j) / 2) * (t(i, j) - mass * q[i * K + j]);
  });
  const uniforms = new RandomStream(KEY.seed, KEY.stream, 5);
  const kept = table(N, K, () => uniforms.uniform() > 0.25 ? 1 : 0);
  const radii = new RandomStream(KEY.seed, KEY.stream, 5);
  const angles = new RandomStream(KEY.seed, KEY.stream + 2 ** 31, 5);
  return {
    matmul: table(N, P, (i, a) => total(K, (j) => l(i, j) * c(j, a))),
    matmulTransposeA: table(P, K, (a, j) => total(N, (i) => z(i, a) * l(i, j))),
    matmulTransposeB: table(N, K, (i, j) => total(P, (a) => z(i, a) * c(j, a))),
    softmax: table(N, K, (i, j) => Math.exp(l(i, j) - logSum(i))),
    logSoftmax: table(N, K, (i, j) => l(i, j) - logSum(i)),
    logSumExp: table(N, 1, logSum),
    squaredDistances: table(N, K, distance),
    leakyRelu: table(N, K, (i, j) => l(i, j) > 0 ? l(i, j) : SLOPE * l(i, j)),
    softplus: table(N, K, (i, j) => Math.log1p(Math.exp(l(i, j)))),
    crossEntropy: table(N, K, (i, j) => {
      const p = 1 / (1 + Math.exp(-l(i, j)));
      return -t(i, j) * Math.log(p) - (1 - t(i, j)) * Math.log(1 - p);
    }),
    dz: table(N, P, (i, a) => total(K, (j) => pull[i * K + j] * (z(i, a) - c(j, a)))),
    dCentroids: table(K, P, (j, a) => total(N, (i) => pull[i * K + j] * (c(j, a) - z(i, a)))),
    dLeaky: table(N, K, (i, j) => l(i, j) > 0 ? t(i, j) : SLOPE * t(i, j)),
    dLogSumExp: table(N, K, (i, j) => 2 * logSum(i) * Math.exp(l(i, j) - logSum(i))),
    dropped: table(N, K, (i, j) => kept[i * K + j] * l(i, j) / 0.75),
    dDropped: table(N, K, (i, j) => kept[i * K + j] * t(i, j) / 0.75),
    masked: table(N, K, (i, j) => kept[i * K + j] * l(i, j)),
    normal: table(N, K, () => {
      const radius = Math.sqrt(-2 * Math.log(1 - radii.uniform()));
      return radius * Math.cos(2 * Math.PI * angles.uniform());
    }),
  };
}

/** |actual − expected| ≤ tolerance·(1 + |expected|), element by element. */
function assertClose(actual: Values, tolerance: number): void {
  const expected = expectedValues();
  assertEquals(Object.keys(actual), Object.keys(expected));
  for (const [name, values] of Object.entries(expected)) {
    assertEquals(actual[name].length, values.length, name);
    values.forEach((value, e) => {
      const error = Math.abs(actual[name][e] - value);
      const place = `${name}[${e}]: ${actual[name][e]} instead of ${value}`;
      assert(error <= tolerance * (1 + Math.abs(value)), place);
    });
  }
}

async function onCpu<T>(threads: number, body: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await openCpuBackend({ threads });
  try {
    return await body(backend);
  } finally {
    await backend.dispose();
  }
}

Deno.test("values and gradients of the ops are those of plain loops", async () => {
  // The oracle's constants and slopes are float32: 0.01 and 2π are off by 3e-8 of themselves.
  assertClose(await compute(new OracleBackend()), 1e-6);
  assertClose(await onCpu(2, compute), 2e-5);
});

gpuTest("values and gradients of the ops on WebGPU are those of plain loops", async () => {
  const backend = await openWebGpuBackend();
  try {
    assertClose(await compute(backend), 2e-5);
  } finally {
    await backend.dispose();
  }
});

Deno.test("the ops give the same bytes on 1, 2 and 3 threads", async () => {
  const one = await onCpu(1, compute);
  for (const threads of [2, 3]) assertEquals(await onCpu(threads, compute), one);
});

Deno.test("gradients of composed ops, and gradients of gradients, agree with differences", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const z = state.variable("z", [4, 3], { data: draw(11, 12, -1, 1) });
  const c = state.variable("c", [2, 3], { data: draw(12, 6, -1, 1) });
  const w = state.variable("w", [4, 2], { data: draw(13, 8, -1, 1) });
  const step = state.variable("step", [1], { dtype: "u32" });
  const weighted = (y: Tensor) => sum(mul(square(y), w));
  /** The squared gradient of a function of z and c, both as variables. */
  const twice = (y: () => Tensor) => {
    const [dz, dc] = gradients(weighted(y()), [z, c]);
    return [square(dz), square(dc)].map((g) => sum(g)).reduce((a, b) => sub(a, b));
  };
  const losses: Record<string, () => Tensor> = {
    matmul: () => sum(square(matmul(w, matmul(c, matmulTransposeA(z, z))))),
    matmulTransposeB: () => weighted(matmulTransposeB(z, c)),
    leakyRelu: () => weighted(leakyRelu(matmulTransposeB(z, c), 0.2)),
    dropout: () => weighted(dropout(matmulTransposeB(z, c), 0.4, step, KEY)),
    "softAssign twice": () => twice(() => softAssign(z, c)),
    "squaredDistances twice": () => twice(() => squaredDistances(z, c)),
    "softmax twice": () => twice(() => softmax(matmulTransposeB(z, c))),
    "logSoftmax twice": () => twice(() => logSoftmax(matmulTransposeB(z, c))),
    "cross-entropy twice": () =>
      twice(() => binaryCrossEntropyWithLogits(matmulTransposeB(z, c), w)),
    "softplus twice": () => twice(() => softplus(matmulTransposeB(z, c))),
  };
  for (const [name, loss] of Object.entries(losses)) {
    const { passed, place, adjoint } = await checkGradients(oracle, {
      name,
      targets: [z, c],
      loss,
    });
    assert(passed, `${name}: ${place}, adjoint ${adjoint}`);
  }
});

Deno.test("a step that uses assignments as constants builds nothing for their gradient", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const z = state.variable("z", [N, P], { data: Z });
  const c = state.variable("c", [K, P], { data: CENTROIDS });
  using program = await trace(oracle, () => {
    const q = stopGradient(softAssign(z, c));
    const [g] = gradients(squaredError(z, matmul(q, c)), [z]);
    return { g };
  });
  const kernels = program.plan.calls.map(({ kernel }) => kernel.name);
  assertEquals(kernels.filter((name) => name.includes("distances")), []);
  assertEquals(kernels.filter((name) => name === "soft_assign").length, 1);
});

Deno.test("distances far from the origin keep their digits", async () => {
  for (const backend of [new OracleBackend(), await openCpuBackend({ threads: 1 })]) {
    using state = new State(backend);
    const z = state.variable("z", [2, 2], { data: Float32Array.of(4096, 4096, 4097, 4096) });
    const c = state.variable("c", [1, 2], { data: Float32Array.of(4096.5, 4096) });
    using program = await trace(backend, () => {
      const y = squaredDistances(z, c);
      const [dz, dc] = gradients(sum(y), [z, c]);
      return { y, dz, dc };
    });
    program.run();
    const { y, dz, dc } = await program.read();
    assertEquals([...y], [0.25, 0.25]);
    assertEquals([...dz].map((v) => v + 0), [-1, 0, 1, 0]);
    assertEquals([...dc].map((v) => v + 0), [0, 0]);
    await backend.dispose();
  }
});

Deno.test("extreme logits neither overflow nor lose what is left", async () => {
  for (const backend of [new OracleBackend(), await openCpuBackend({ threads: 1 })]) {
    using state = new State(backend);
    const x = state.variable("x", [3, 3], {
      data: Float32Array.of(1000, 1000, -Infinity, -1000, -1001, -5000, NaN, 0, 1),
    });
    const l = state.variable("l", [4], { data: Float32Array.of(-80, 80, 500, -500) });
    const t = state.variable("t", [4], { data: Float32Array.of(0, 1, 1, 0) });
    using program = await trace(backend, () => ({
      softmax: softmax(x),
      logSoftmax: logSoftmax(x),
      logSumExp: logSumExp(x),
      softplus: softplus(l),
      crossEntropy: binaryCrossEntropyWithLogits(l, t),
    }));
    program.run();
    const values = await program.read();
    const near = (name: keyof typeof values, expected: readonly number[]) =>
      expected.forEach((value, e) => {
        if (!Number.isFinite(value)) assertEquals(values[name][e], value, `${name}[${e}]`);
        else {assertAlmostEquals(
            values[name][e],
            value,
            1e-6 * Math.abs(value) + 1e-40,
            `${name}[${e}]`,
          );}
      });
    const e = Math.exp(-1);
    near("softmax", [0.5, 0.5, 0, 1 / (1 + e), e / (1 + e), 0, NaN, NaN, NaN]);
    near("logSoftmax", [-Math.LN2, -Math.LN2, -Infinity, -Math.log1p(e), -1 - Math.log1p(e)]);
    near("logSumExp", [1000 + Math.LN2, -1000 + Math.log1p(e), NaN]);
    near("softplus", [Math.exp(-80), 80, 500, 0]);
    near("crossEntropy", [Math.exp(-80), Math.exp(-80), 0, 0]);
    await backend.dispose();
  }
});

Deno.test("noise is new at every step, and has the moments that it should have", async () => {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const size = 20_000;
  const ones = state.variable("ones", [size], { data: new Float32Array(size).fill(1) });
  const step = state.variable("step", [1], { dtype: "u32" });
  using program = await trace(oracle, () => ({
    dropped: dropout(ones, 0.3, step, KEY),
    masked: maskNoise(ones, 0.3, step, KEY),
    all: maskNoise(ones, 1, step, KEY),
    normal: randomNormal(step, [size], KEY),
  }));
  const at = async (value: number) => {
    step.write(Uint32Array.of(value));
    program.run();
    return await program.read();
  };
  const mean = (list: ArrayLike<number>, power = 1) =>
    Array.from(list).reduce((total, value) => total + value ** power, 0) / list.length;
  const first = await at(0);
  // Five standard errors.
  const errors = 5 / Math.sqrt(size);
  assertLess(Math.abs(mean(first.masked) - 0.7), errors * Math.sqrt(0.21));
  assertLess(Math.abs(mean(first.dropped) - 1), errors * Math.sqrt(0.21) / 0.7);
  assertEquals(new Set(first.all), new Set([0]));
  [0, 1, 0, 3].forEach((moment, i) => {
    const spread = Math.sqrt([1, 2, 15, 96][i]);
    assertLess(Math.abs(mean(first.normal, i + 1) - moment), errors * spread, `moment ${i + 1}`);
  });
  const neighbours = Array.from(first.normal.slice(1), (value, i) => value * first.normal[i]);
  assertLess(Math.abs(mean(neighbours)), errors);
  const second = await at(1);
  assertNotEquals(second.normal, first.normal);
  assertNotEquals(second.masked, first.masked);
  assertEquals(await at(0), first);
});

Deno.test("at rate 0 noise changes nothing", () => {
  const x = new Tensor([3], "f32");
  const step = new Tensor([1], "u32");
  assertEquals(dropout(x, 0, step, KEY), x);
  assertEquals(maskNoise(x, 0, step, KEY), x);
});

Deno.test("the ops name what does not fit", () => {
  const tensor = (...shape: number[]) => new Tensor(shape, "f32");
  const step = new Tensor([1], "u32");
  const cases: [make: () => unknown, ...parts: string[]][] = [
    [() => matmul(tensor(2, 3), tensor(4, 5)), "matmul", "columns of a (3)", "rows of b (4)"],
    [() => matmul(tensor(3), tensor(3, 5)), "matmul", "2 axes", "[3]"],
    [() => matmulTransposeA(tensor(2, 3), tensor(4, 5)), "matmulTransposeA", "[2, 3]", "[4, 5]"],
    [() => matmulTransposeB(tensor(2, 3), tensor(4, 5)), "matmulTransposeB", "[2, 3]", "[4, 5]"],
    [() => softmax(tensor(2)), "softmax", "2 axes", "[2]"],
    [() => logSumExp(tensor(2, 0)), "logSumExp", "one column", "[2, 0]"],
    [() => squaredDistances(tensor(5, 2), tensor(4, 3)), "squaredDistances", "[4, 2]", "[4, 3]"],
    [() => leakyRelu(tensor(2), NaN), "leakyRelu", "NaN"],
    [() => dropout(tensor(2), 1, step, KEY), "dropout", "[0, 1)", "got 1"],
    [() => maskNoise(tensor(2), -0.1, step, KEY), "maskNoise", "[0, 1]", "got -0.1"],
    [() => binaryCrossEntropyWithLogits(tensor(2), tensor(3)), "CrossEntropy", "[2]", "[3]"],
  ];
  for (const [make, ...parts] of cases) {
    const { message } = assertThrows(make, RangeError);
    for (const part of parts) assertStringIncludes(message, part);
  }
});
