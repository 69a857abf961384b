/** Passes over data of more rows than kernels and programs take at once, on the CPU backend. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { makeCodes } from "../bench/codes.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { kmeans, type KMeansOptions, meanVarianceOf } from "../models/shallow/kmeans.ts";
import { Assignment } from "../models/training/whole_pass.ts";

const COLUMNS = 5;

/** Overlapping blobs, and their k-means on the CPU backend. */
async function cluster(threads: number, options: KMeansOptions) {
  const backend = await openCpuBackend({ threads });
  const { data } = makeCodes({ rows: 3001, columns: COLUMNS, clusters: 7, spread: 1, seed: 3 });
  using table = Table.upload(backend, "codes", data, 3001, COLUMNS);
  const found = await kmeans(backend, table, meanVarianceOf(data, COLUMNS), options);
  await backend.dispose();
  return { data, ...found };
}

Deno.test("k-means: restarts side by side do not touch each other, nor do threads", async () => {
  const few = await cluster(1, { clusters: 7, nInit: 2, seed: 1 });
  const many = await cluster(2, { clusters: 7, nInit: 6, seed: 1 });
  assertEquals(many.inertias.slice(0, 2), few.inertias);
  const again = await cluster(1, { clusters: 7, nInit: 6, seed: 1 });
  assertEquals(again, many);
});

Deno.test("k-means: without a tolerance it ends where no label changes", async () => {
  const { converged, iterations } = await cluster(2, { clusters: 7, nInit: 1, tolerance: 0 });
  assert(converged);
  assertLess(iterations, 300);
});

Deno.test("rows that are assigned in several parts are assigned like each alone", async () => {
  const [rows, clusters] = [45_001, 100];
  const backend = await openCpuBackend({ threads: 2 });
  using state = new State(backend);
  const made = makeCodes({ rows, columns: 2, clusters, spread: 4, seed: 0 });
  const codes = state.variable("codes", [rows, 2], { data: made.data });
  const centres = state.variable("centres", [clusters, 2], { data: made.centres });
  const thresholds = state.variable("thresholds", [2], { data: Float32Array.of(0.3, 0.2) });
  const labels = state.variable("labels", [rows], { dtype: "u32" });
  using assignment = await Assignment.create(codes, centres, thresholds, labels);
  const found = await assignment.run();

  let unconflicted = 0;
  const weights = new Float64Array(clusters);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < clusters; j++) {
      const dx = made.data[2 * i] - made.centres[2 * j];
      const dy = made.data[2 * i + 1] - made.centres[2 * j + 1];
      weights[j] = 1 / (1 + dx * dx + dy * dy);
    }
    const sum = weights.reduce((a, b) => a + b);
    const label = weights.indexOf(Math.max(...weights));
    const first = weights[label] / sum;
    weights[label] = 0;
    const second = Math.max(...weights) / sum;
    // Shares that are equal but for rounding may go either way.
    if (first - second > 1e-5) assertEquals(found.labels[i], label);
    const slack = Math.min(Math.abs(first - 0.3), Math.abs(first - second - 0.2));
    const mask = first > 0.3 && first - second > 0.2 ? 1 : 0;
    if (slack > 1e-5) assertEquals(found.mask[i], mask);
    unconflicted += found.mask[i];
  }
  assertEquals(found.unconflicted, unconflicted);
  assert(unconflicted > 0 && unconflicted < rows);
  await backend.dispose();
});
