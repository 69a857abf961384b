/** What a partition looks like, and what is said about it. */
import { assert, assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { diagnose, warningsOf } from "../models/evaluation/diagnostics.ts";

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

Deno.test("the silhouette of many rows is that of a sample, the same for the same seed", () => {
  const n = 5000;
  const places = Array.from({ length: n }, (_, i) => (i % 2) * 10 + (i % 7) / 7);
  const labels = places.map((_, i) => i % 2);
  const [a, b] = [onLine(places, labels, 2), onLine(places, labels, 2)];
  assertEquals(a, b);
  assert(a.silhouette! > 0.9, `${a.silhouette}`);
});

Deno.test("what looks wrong is warned of, once, with a remedy; what looks right is not", () => {
  const spread = Array.from({ length: 100 }, (_, i) => i);
  const warn = (places: number[], label: (i: number) => number, clusters: number) =>
    warningsOf(onLine(places, places.map((_, i) => label(i)), clusters));
  assertEquals(warn(spread, (i) => Math.floor(i / 25), 4), []);
  assertEquals(warn(spread, () => 0, 1), []);
  const halves = spread.map((i) => Math.floor(i / 50));
  assertEquals(warningsOf(onLine(spread, halves, 2, halves)), []);
  const moved = onLine(spread, halves, 2, spread.map((i) => i % 2));
  const tiny = onLine(spread.map((x) => 1e-5 * x), halves, 2);
  assertEquals(warningsOf(tiny, false), []);
  const cases: [string[], string][] = [
    [warningsOf(moved), "far from those that clustering began with (agreement, ARI, -0.01)"],
    [warn(spread, () => 0, 4), "have collapsed: one holds 100.0 % of the rows"],
    [warn(spread, (i) => Math.floor(i / 34), 4), "1 of 4 clusters are empty"],
    [
      warn(spread, (i) => i < 85 ? 0 : 1 + Math.floor((i - 85) / 5), 4),
      "as if there were 1.8 of 4",
    ],
    [warn(spread.map((x) => 1e-6 * x), (i) => Math.floor(i / 25), 4), "codes hardly differ"],
    [warn(spread, (i) => i % 4, 4), "overlap (silhouette -0."],
    [warn(spread.map((x) => x === 3 ? NaN : x), (i) => Math.floor(i / 25), 4), "not finite"],
  ];
  for (const [warnings, message] of cases) {
    assertEquals(warnings.length, 1, warnings.join("; "));
    assertStringIncludes(warnings[0], message);
  }
});
