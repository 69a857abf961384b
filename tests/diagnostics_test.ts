/** What a partition looks like, and what is said about it. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { comparedRows, sampledCut } from "../models/evaluation/cluster_indices.ts";
import { diagnose, startCutsOf, warningsOf } from "../models/evaluation/diagnostics.ts";
import { asTyped } from "../cli/method_options.ts";
import { METHODS } from "../models/registry.ts";
import { choiceRows } from "./choice_rows.ts";

const stopReason = "100 steps";

/** Rows on a line, at the given places. */
function onLine(
  places: readonly number[],
  labels: readonly number[],
  clusters: number,
  first?: readonly number[],
) {
  return diagnose(
    {
      ...first && { start: "start" },
      partitions: first ? { start: Uint32Array.from(first) } : {},
      labels: Uint32Array.from(labels),
      embedding: Float32Array.from(places),
      embeddingSize: 1,
      stopReason,
    },
    clusters,
  );
}

Deno.test("sizes, effective clusters and deviation are those of their definitions", () => {
  const found = onLine([0, 1, 2, 3, 10, 11, 12, 13], [0, 0, 0, 0, 1, 1, 1, 1], 2);
  assertEquals([found.sizes, found.emptyClusters, found.largestShare], [[4, 4], 0, 0.5]);
  assertAlmostEquals(found.effectiveClusters, 2, 1e-12);
  // Variance 1.25 within, 25 between.
  assertAlmostEquals(found.codeDeviation, Math.sqrt(26.25), 1e-6);
  const uneven = onLine([0, 1, 2, 3, 10, 11, 12, 13], [0, 0, 0, 0, 0, 0, 1, 1], 3);
  const entropy = -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25);
  assertAlmostEquals(uneven.effectiveClusters, Math.exp(entropy), 1e-12);
  assertEquals([uneven.emptyClusters, uneven.stopReason], [1, stopReason]);
});

Deno.test("the silhouette is that of a plain computation", () => {
  // For row 0: a = (1 + 2) / 2, b = (10 + 12) / 2; and so on by hand.
  const found = onLine([0, 1, 2, 10, 12], [0, 0, 0, 1, 1], 2);
  const rows = [[1.5, 11], [1, 10], [1.5, 9], [2, 9], [2, 11]];
  const expected = rows.reduce((sum, [a, b]) => sum + (b - a) / Math.max(a, b), 0) / 5;
  assertAlmostEquals(found.silhouette!, expected, 1e-6);
  assertEquals(onLine([0, 1, 2], [1, 1, 1], 2).silhouette, null);
  // A row that is alone in its cluster counts as 0.
  assertAlmostEquals(onLine([0, 5], [0, 1], 2).silhouette!, 0, 1e-12);
});

Deno.test("of many rows, the silhouette is that of a sample, the same for the same seed", () => {
  const [n, d] = [3000, 64];
  const embedding = Float32Array.from({ length: n * d }, (_, i) => {
    const row = Math.floor(i / d);
    return (row % 2) * 10 + (row % 7) / 7;
  });
  const labels = Uint32Array.from({ length: n }, (_, i) => i % 2);
  const fit = { labels, embedding, embeddingSize: d, partitions: {}, stopReason };
  const found = diagnose(fit, 2, 5);
  assertEquals(diagnose(fit, 2, 5), found);
  assertEquals(found.comparedRows, 2048);
  assert(found.silhouette! > 0.9, `${found.silhouette}`);
  assertEquals(new Set(comparedRows(n, d, 5)).size, 2048);
  assertNotEquals(comparedRows(n, d, 6), comparedRows(n, d, 5));
  assertEquals([...comparedRows(4, d, 5)], [0, 1, 2, 3]);
});

/** What scikit-learn 1.2.1 gives, in float64, of {@linkcode choiceRows}. */
const GOLDEN_INDICES: readonly [labelOf: (i: number) => number, ...values: number[]][] = [
  [(i) => i % 3, 0.39486390114245723, 127.85600354200224, 0.8775935831815511, 142.95703034418057],
  [(i) => i % 4, -0.052118267792121094, 0.19855125265343113, 39.03866441283717, 453.0735065084508],
  [
    (i) => i < 7 ? 0 : 1 + i % 3,
    ...[0.32633192881165585, 69.05081778291854, 2.308819321426244, 163.47207376684372],
  ],
];

Deno.test("silhouette, Calinski–Harabasz, Davies–Bouldin and inertia are scikit-learn's", () => {
  const { data: embedding, d: embeddingSize, n } = choiceRows();
  for (const [labelOf, silhouette, calinskiHarabasz, daviesBouldin, inertia] of GOLDEN_INDICES) {
    const labels = Uint32Array.from({ length: n }, (_, i) => labelOf(i));
    // A cluster more, without rows, changes nothing.
    const found = diagnose({ labels, embedding, embeddingSize, partitions: {}, stopReason }, 5);
    const close = (actual: number | null, expected: number) =>
      assertAlmostEquals(actual!, expected, 1e-9 * Math.max(1, Math.abs(expected)));
    close(found.silhouette, silhouette);
    close(found.calinskiHarabasz, calinskiHarabasz);
    close(found.daviesBouldin, daviesBouldin);
    close(found.inertia, inertia);
  }
  const one = onLine([1, 2, 4], [0, 0, 0], 2);
  assertEquals([one.calinskiHarabasz, one.daviesBouldin], [null, null]);
  assertAlmostEquals(one.inertia, 14 / 3, 1e-12);
  const exact = onLine([1, 1, 4, 4], [0, 0, 1, 1], 2);
  assertEquals([exact.inertia, exact.calinskiHarabasz, exact.daviesBouldin], [0, null, 0]);
});

Deno.test("the normalised cut counts edges between clusters, 0 where there are none", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  // Two groups of 20, far apart: the nearest 14 are within.
  const places = Float32Array.from({ length: 40 }, (_, i) => i % 20 + (i < 20 ? 0 : 1000));
  const cut = (label: (i: number) => number, clusters: number) =>
    sampledCut(backend, places, 1, Uint32Array.from(places, (_, i) => label(i)), clusters, 0);
  assertEquals(await cut((i) => i < 20 ? 0 : 1, 2), 0);
  // An empty cluster counts as 1.
  assertEquals(await cut((i) => i < 20 ? 0 : 1, 3), 1);
  const crossed = await cut((i) => i % 2, 2);
  assert(crossed! > 0.9 && crossed! < 1.2, `${crossed}`);
  assertEquals(await sampledCut(backend, places.slice(0, 2), 1, Uint32Array.of(0, 1), 2, 0), null);
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("the cuts of start and end are on one graph, of the code that clustering began with", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const places = Float32Array.from({ length: 40 }, (_, i) => i % 20 + (i < 20 ? 0 : 1000));
  const halves = Uint32Array.from(places, (_, i) => i < 20 ? 0 : 1);
  const mixed = Uint32Array.from(places, (_, i) => i % 2);
  const cuts = (first: Uint32Array, labels: Uint32Array, startCodes?: Float32Array) =>
    startCutsOf(
      backend,
      {
        labels,
        embeddingSize: 1,
        start: "start",
        partitions: { start: first },
        ...startCodes && { startCodes },
      },
      2,
      0,
    );
  const left = await cuts(halves, mixed, places);
  assertEquals(left!.start, 0);
  assert(left!.end > 0.9, `${left!.end}`);
  assertEquals(await cuts(mixed, halves, places), { start: left!.end, end: 0 });
  assertEquals(await cuts(halves, mixed), null);
  const none = { labels: mixed, embeddingSize: 1, partitions: {} };
  assertEquals(await startCutsOf(backend, none, 2, 0), null);
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

/** What a deep method with all remedies says. */
const DEEP = {
  pretrains: true,
  options: ["learningRate", "steps"],
  againstCollapse: "a lower `gamma`",
};
const ROWS = { clustersRows: true };

Deno.test("what looks wrong is warned of, once, with a remedy; what looks right is not", () => {
  const spread = Array.from({ length: 100 }, (_, i) => i);
  const warn = (places: number[], label: (i: number) => number, clusters: number, facts = DEEP) =>
    warningsOf(onLine(places, places.map((_, i) => label(i)), clusters), facts);
  assertEquals(warn(spread, (i) => Math.floor(i / 25), 4), []);
  assertEquals(warn(spread, () => 0, 1), []);
  const halves = spread.map((i) => Math.floor(i / 50));
  assertEquals(warningsOf(onLine(spread, halves, 2, halves)), []);
  const moved = onLine(spread, halves, 2, spread.map((i) => i % 2));
  const worse = warningsOf(moved, { ...DEEP, startCuts: { start: 0.5, end: 1.25 } });
  assertStringIncludes(
    worse[0],
    "(agreement, ARI, -0.01), and part more neighbours in the code then (normalised cut 1.25, at the " +
      "start 0.50): try more pretrainSteps",
  );
  // A start that was worse by its own code is nothing to go back to.
  assertEquals(warningsOf(moved, { ...DEEP, startCuts: { start: 1.25, end: 0.5 } }), []);
  const tiny = onLine(spread.map((x) => 1e-5 * x), halves, 2);
  assertEquals(warningsOf(tiny, ROWS), []);
  const cases: [string[], string][] = [
    [
      warningsOf(moved, DEEP),
      "far from those that clustering began with (agreement, ARI, -0.01): try more pretrainSteps, a " +
      "lower learningRate or fewer `steps`; or take",
    ],
    [
      warn(spread, () => 0, 4),
      "have collapsed: one holds 100.0 % of the rows; try more pretrainSteps, a lower `gamma` or " +
      "another seed",
    ],
    [warn(spread, (i) => Math.floor(i / 34), 4), "1 of 4 clusters is empty"],
    [
      warn(spread, (i) => i < 85 ? 0 : 1 + Math.floor((i - 85) / 5), 4),
      "as if there were 1.8 of 4",
    ],
    [warn(spread.map((x) => 1e-6 * x), (i) => Math.floor(i / 25), 4), "codes hardly differ"],
    [warn(spread, (i) => i % 4, 4), "overlap (silhouette -0."],
    [warn(spread.map((x) => x === 3 ? NaN : x), (i) => Math.floor(i / 25), 4), "not finite"],
    [warn(spread.map(() => 2), () => 0, 4), "all codes of the rows are equal"],
    [warn(spread.map((x) => x % 3), (i) => i % 3, 4), "only 3 different codes of the rows, and 4"],
  ];
  for (const [warnings, message] of cases) {
    assertEquals(warnings.length, 1, warnings.join("; "));
    assertStringIncludes(warnings[0], message);
  }
});

Deno.test("rows that are clustered as they are are told nothing of networks", () => {
  const spread = Array.from({ length: 100 }, (_, i) => i);
  const warn = (places: number[], label: (i: number) => number, clusters: number) =>
    warningsOf(onLine(places, places.map((_, i) => label(i)), clusters), ROWS);
  const cases: [string[], string][] = [
    [warn(spread.map(() => 2), () => 0, 3), "all rows are equal: there is nothing to tell"],
    [
      warn(spread.map((x) => x % 2), (i) => i % 2, 3),
      "only 2 different rows, and 3 clusters: ask for at most 2 clusters",
    ],
    [warn(spread, (i) => i < 95 ? 0 : i % 4, 4), "very unequal, one holds 9"],
    [warn(spread, (i) => i % 4, 4), "overlap (silhouette -0.0"],
  ];
  for (const [warnings, message] of cases) {
    assertStringIncludes(warnings[0], message);
    for (const text of warnings) {
      assert(!/train|learn|collapse/.test(text), text);
    }
  }
  // 95 rows here and 5 far away are right as they are.
  const far = spread.map((x) => x < 95 ? x / 100 : 50 + x / 100);
  assertEquals(warn(far, (i) => i < 95 ? 0 : 1, 2), []);
  // So are codes whose clusters are those that clustering began with.
  const labels = spread.map((x) => x < 95 ? 0 : 1);
  assertEquals(warningsOf(onLine(far, labels, 2, labels), DEEP), []);
  assertStringIncludes(warningsOf(onLine(far, labels, 2), DEEP)[0], "have collapsed");
});

Deno.test("options are named as they are typed", () => {
  const text = "raise regCovar, take the `covariance` diag; covariance and xregCovar stay";
  const typed = asTyped(METHODS.gmm, text);
  assertEquals(
    typed,
    "raise --reg-covar, take the --covariance diag; covariance and xregCovar stay",
  );
  assertEquals(asTyped(METHODS.gmm, typed), typed);
});
