/** Where clustering starts: the same partitions for every method that can begin with one. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { loadDataset } from "../datasets/load.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { accuracy } from "../models/evaluation/metrics.ts";
import type { Checkpoint } from "../models/estimator.ts";
import { METHODS } from "../models/registry.ts";

const SHORT = {
  hidden: [48],
  latent: 6,
  channels: 4,
  pretrainSteps: 150,
  constructionSteps: 12,
  labelSteps: 6,
  moduleSteps: 6,
  steps: 12,
  checkInterval: 6,
  nInit: 3,
  clusters: 4,
};

/** Rows of four digits. */
const digits = await loadDataset("optdigits", { limit: 900 });
const chosen = Array.from(digits.classes!).flatMap((digit, i) => digit < 4 ? [i] : []);
const samples = {
  data: Float32Array.from(chosen.flatMap((i) => [...digits.data.subarray(64 * i, 64 * i + 64)])),
  n: chosen.length,
  d: 64,
  height: 8,
  width: 8,
};
const truth = chosen.map((i) => digits.classes![i]);

/** Every way that a method can start: its option, and the value. */
const STARTS = Object.values(METHODS).flatMap(({ name, options }) =>
  options.flatMap((spec) =>
    spec.type === "choice" && (spec.name === "partition" || spec.name === "init")
      ? spec.choices.filter((choice) => ["kmeans", "mixture", "graph"].includes(choice))
        .map((choice) => ({ model: name, option: spec.name, choice }))
      : []
  )
);

assert(STARTS.filter(({ choice }) => choice === "graph").length >= 7);

for (const { model, option, choice } of STARTS) {
  Deno.test(`${model}: --${option} ${choice} begins with that partition, and resumes to the same bytes`, async () => {
    const backend = await openCpuBackend({ threads: 1 });
    const method = METHODS[model];
    const known = new Set(method.options.map(({ name }) => name));
    const given = Object.entries(SHORT).filter(([name]) => known.has(name));
    const make = () => method.create({ ...Object.fromEntries(given), [option]: choice });
    const saved: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) => Promise.resolve(void saved.push(checkpoint));
    const estimator = make();
    const { start, partitions, history, labels } = await estimator.fit(samples, { backend, save });
    await estimator.dispose();
    assert(start !== undefined && start in partitions, start);
    assertStringIncludes(start, { kmeans: "k-means", mixture: "ixture", graph: "graph" }[choice]!);
    assertEquals(partitions[start].length, samples.n);
    // Four digits after a few steps: far above chance.
    assert(accuracy(truth, partitions[start]) > 0.6, `${accuracy(truth, partitions[start])}`);
    const rows = history.filter(({ phase }) => phase === "start");
    assertEquals(rows.length, choice === "graph" ? 9 : 0);
    if (choice === "graph") {
      const best = rows.at(-1)!;
      const cuts = rows.slice(0, -1).map(({ cut }) => cut as number);
      assertEquals([best.cut, best.chosen], [
        Math.min(...cuts),
        rows[cuts.indexOf(best.cut as number)].candidate,
      ]);
    }
    const half = saved.find(({ host }) => JSON.stringify(host.results).includes(start))!;
    const again = make();
    const resumed = await again.fit(samples, { backend, resume: half });
    await again.dispose();
    assertEquals(resumed.labels, labels);
    assertEquals(resumed.history, history);
    await backend.dispose();
  });
}
