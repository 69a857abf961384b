import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { hungarian } from "../models/evaluation/hungarian.ts";
import {
  accuracy,
  adjustedRandIndex,
  contingency,
  matchClusters,
  normalizedMutualInformation,
} from "../models/evaluation/metrics.ts";

/** Two labelings of the same 1 to 60 samples, into up to 8 and up to 9 groups. */
const labelings = fc.array(fc.tuple(fc.nat(7), fc.nat(8)), { minLength: 1, maxLength: 60 })
  .map((pairs) => [pairs.map(([t]) => t), pairs.map(([, p]) => p)] as const);

const SCORES = { accuracy, normalizedMutualInformation, adjustedRandIndex };

/** truth, predicted, ACC, NMI, ARI by scikit-learn 1.2.1 and SciPy 1.10.1. */
const GOLDEN: [number[], number[], number, number, number][] = [
  [[0, 0, 1, 1], [1, 1, 0, 0], 1, 1, 1],
  [[0, 0, 0, 0], [0, 1, 2, 3], 0.25, 0, 0],
  [[0, 0, 0, 0], [0, 0, 0, 0], 1, 1, 1],
  [[0, 1, 2, 3], [0, 1, 2, 3], 1, 1, 1],
  [[0, 1, 2, 3], [0, 0, 0, 0], 0.25, 0, 0],
  [[0, 0, 1, 2], [0, 0, 1, 1], 0.75, 0.7999999999999999, 0.5714285714285714],
  [[0, 1, 0, 1], [0, 0, 1, 1], 0.5, 0, -0.5],
  [[5], [2], 1, 1, 1],
  [[0, 0, 1, 1, 2, 2], [9, 9, 9, 4, 4, 7], 2 / 3, 0.5206652463984817, 0.07407407407407407],
  [
    [...digits("212212200002201202012010202111")],
    [...digits("221002210002111202002012201111")],
    2 / 3,
    0.2396623892641554,
    0.22226304188096987,
  ],
  [
    [...digits("2323234022110240244103012403204424344210")],
    [...digits("2020121022100211211102012100200122012212")],
    0.575,
    0.37930081322297227,
    0.3033543135916686,
  ],
  [
    [...digits("1111101100110000011110111101011100101000")],
    [...digits("1421101103101000550132510101011100141040")],
    0.65,
    0.22975487143981643,
    0.286377189345023,
  ],
];

function digits(text: string): number[] {
  return Array.from(text, Number);
}

Deno.test("metrics: golden values of scikit-learn", () => {
  for (const [truth, predicted, acc, nmi, ari] of GOLDEN) {
    assertAlmostEquals(accuracy(truth, predicted), acc, 1e-15);
    assertAlmostEquals(normalizedMutualInformation(truth, predicted), nmi, 1e-14);
    assertAlmostEquals(adjustedRandIndex(truth, predicted), ari, 1e-14);
  }
});

Deno.test("metrics: golden values at the size of MNIST", () => {
  const truth = new Uint32Array(70000);
  const predicted = new Uint32Array(70000);
  let x = 1;
  const next = () => x = (1664525 * x + 1013904223) % 2 ** 32;
  for (let i = 0; i < 70000; i++) {
    truth[i] = (next() >>> 16) % 10;
    next();
    predicted[i] = (x >>> 16) % 10 < 7 ? truth[i] : (x >>> 20) % 12;
  }
  assertAlmostEquals(accuracy(truth, predicted), 0.7245857142857143, 1e-15);
  assertAlmostEquals(normalizedMutualInformation(truth, predicted), 0.4964181611694154, 1e-13);
  assertAlmostEquals(adjustedRandIndex(truth, predicted), 0.5085374158020037, 1e-13);
});

Deno.test("metrics: names of clusters and classes do not matter", () => {
  fc.assert(
    fc.property(
      labelings,
      fc.uniqueArray(fc.nat(), { minLength: 9, maxLength: 9 }),
      ([truth, predicted], names) => {
        for (const score of Object.values(SCORES)) {
          const renamed = score(truth, predicted.map((label) => names[label]));
          assertAlmostEquals(renamed, score(truth, predicted), 1e-12);
          const renamedTruth = score(truth.map((label) => names[label]), predicted);
          assertAlmostEquals(renamedTruth, score(truth, predicted), 1e-12);
        }
      },
    ),
  );
});

Deno.test("metrics: symmetric, at most 1, and 1 exactly for equal partitions", () => {
  fc.assert(fc.property(labelings, ([truth, predicted]) => {
    for (const score of Object.values(SCORES)) {
      assertAlmostEquals(score(truth, predicted), score(predicted, truth), 1e-12);
      assert(score(truth, predicted) <= 1);
      assertAlmostEquals(score(truth, truth), 1, 1e-12);
    }
    assertEquals(accuracy(truth, truth), 1);
    assertEquals(adjustedRandIndex(truth, truth), 1);
    assert(accuracy(truth, predicted) > 0);
    assert(normalizedMutualInformation(truth, predicted) >= 0);
    assert(adjustedRandIndex(truth, predicted) >= -0.5 - 1e-12);
  }));
});

Deno.test("metrics: renaming by matchClusters gives the accuracy", () => {
  fc.assert(fc.property(labelings, ([truth, predicted]) => {
    const names = matchClusters(truth, predicted);
    assertEquals(new Set(names.values()).size, names.size);
    const agreeing = truth.filter((label, i) => names.get(predicted[i]) === label).length;
    assertAlmostEquals(agreeing / truth.length, accuracy(truth, predicted), 1e-12);
  }));
});

Deno.test("metrics: contingency counts every sample once", () => {
  const { counts, classes, clusters, classSizes, clusterSizes } = contingency(
    new Uint32Array([7, 7, 3]),
    new Uint32Array([1, 4294967295, 1]),
  );
  assertEquals(classes, [3, 7]);
  assertEquals(clusters, [1, 4294967295]);
  assertEquals([...counts], [1, 0, 1, 1]);
  assertEquals([...classSizes], [1, 2]);
  assertEquals([...clusterSizes], [2, 1]);
});

Deno.test("metrics: labels are validated", () => {
  for (const score of Object.values(SCORES)) {
    assertThrows(() => score([], []), RangeError, "no labels");
    assertThrows(() => score([0, 1], [0]), RangeError, "2 true labels and 1 predicted");
    assertThrows(() => score([0, -1], [0, 0]), RangeError, "true label 1 is -1");
    assertThrows(() => score([0, 1], [0, 0.5]), RangeError, "predicted label 1 is 0.5");
    assertThrows(() => score([0, 1], [NaN, 0]), RangeError, "predicted label 0 is NaN");
  }
});

/** The least cost over all ways to give each row of the shorter side a column. */
function bruteForce(cost: number[][]): number {
  if (cost.length === 0) return 0;
  const [first, ...rest] = cost;
  if (cost.length > first.length) return bruteForce(first.map((_, j) => cost.map((row) => row[j])));
  return Math.min(
    ...first.map((value, j) =>
      value + bruteForce(rest.map((row) => row.filter((_, column) => column !== j)))
    ),
  );
}

Deno.test("hungarian: equals brute force, rectangular and with ties and negative costs", () => {
  const matrices = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })).chain((
    [rows, columns],
  ) =>
    fc.array(
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: columns, maxLength: columns }),
      { minLength: rows, maxLength: rows },
    )
  );
  fc.assert(
    fc.property(matrices, (cost) => {
      const columns = cost[0].length;
      const assigned = [...hungarian(cost.flat(), cost.length, columns)];
      const used = assigned.filter((column) => column >= 0);
      assertEquals(used.length, Math.min(cost.length, columns));
      assertEquals(new Set(used).size, used.length);
      const total = assigned.reduce((sum, j, i) => sum + (j < 0 ? 0 : cost[i][j]), 0);
      assertEquals(total, bruteForce(cost));
    }),
    { numRuns: 150 },
  );
});

Deno.test("hungarian: empty sides, and what it refuses", () => {
  assertEquals([...hungarian([], 0, 3)], []);
  assertEquals([...hungarian([], 2, 0)], [-1, -1]);
  assertThrows(() => hungarian([1, 2, 3], 2, 2), RangeError, "3 values, expected 2 × 2");
  assertThrows(() => hungarian([1, NaN], 1, 2), RangeError, "row 0, column 1 is NaN");
});
