/** Where clustering starts: the same partitions for every method that can begin with one. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { loadDataset } from "../datasets/load.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { accuracy } from "../models/evaluation/metrics.ts";
import {
  type Checkpoint,
  type Estimator,
  type FitContext,
  InterruptedError,
  type TrainingEvent,
} from "../models/estimator.ts";
import { METHODS } from "../models/registry.ts";
import { Rows } from "../models/training/rows.ts";
import { SelfLabelling } from "../models/training/self_labelling.ts";
import { Training } from "../models/training/trainer.ts";

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

/** The last checkpoint of a fit that is interrupted when it logs which partition of a graph it takes. */
async function cutAtChoice(estimator: Estimator, backend: Backend): Promise<Checkpoint> {
  const controller = new AbortController();
  const { signal } = controller;
  let last: Checkpoint | undefined;
  const save = (checkpoint: Checkpoint) => Promise.resolve(void (last = checkpoint));
  const onEvent = (event: TrainingEvent) =>
    void (event.type === "log" && "chosen" in event.row && controller.abort());
  await assertRejects(
    () => estimator.fit(samples, { backend, signal, save, onEvent }),
    InterruptedError,
  );
  return last!;
}

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
    const points = [half, ...choice === "graph" ? [await cutAtChoice(make(), backend)] : []];
    for (const resume of points) {
      const again = make();
      const resumed = await again.fit(samples, { backend, resume });
      await again.dispose();
      assertEquals(resumed.labels, labels);
      assertEquals(resumed.history, history);
    }
    await backend.dispose();
  });
}

/** The methods that can label their first partition again. */
const SELF_LABELLING = Object.values(METHODS).filter(({ options }) =>
  options.some(({ name }) => name === "selfLabelSteps")
).map(({ name }) => name);

assert(SELF_LABELLING.length >= 7, SELF_LABELLING.join());

for (const model of SELF_LABELLING) {
  Deno.test(`${model}: a self-labelled partition resumes to the same bytes, in the middle too`, async () => {
    const backend = await openCpuBackend({ threads: 1 });
    const method = METHODS[model];
    const known = new Set(method.options.map(({ name }) => name));
    const all = {
      ...SHORT,
      partition: "graph",
      selfLabelSteps: 24,
      selfLabelRounds: 2,
      logInterval: 6,
    };
    const options = Object.fromEntries(Object.entries(all).filter(([name]) => known.has(name)));
    const saved: Checkpoint[] = [];
    const save = (checkpoint: Checkpoint) => Promise.resolve(void saved.push(checkpoint));
    const fit = async (context: FitContext) => {
      const estimator = method.create(options);
      const result = await estimator.fit(samples, { backend, ...context });
      await estimator.dispose();
      return result;
    };
    const whole = await fit({ save, saveSteps: 6 });
    const { start, partitions, history } = whole;
    assertStringIncludes(start!, "self-labelled");
    assertEquals(Object.keys(partitions).slice(0, 2), [
      "graph partition of the pre-trained code",
      start,
    ]);
    const rows = history.filter(({ phase }) => phase === "self-labelling");
    assertEquals(rows.map(({ step }) => step), [6, 12, 18, 24]);
    // Unsure rows wait for a quarter of the steps.
    const learnt = rows.map(({ learnt }) => learnt as number);
    assert(learnt[0] <= 1 && learnt[3] >= learnt[0] - 0.05, learnt.join());
    const middles = ["self-labelling", "self-labelling 2"].map((round) =>
      saved.find(({ host }) => {
        const { phases } = host as { phases: Record<string, { step: number }> };
        return phases[round]?.step === 12;
      })!
    );
    for (const resume of [...middles, await cutAtChoice(method.create(options), backend)]) {
      const resumed = await fit({ resume });
      assertEquals(resumed.labels, whole.labels);
      assertEquals(resumed.history, history);
      assertEquals(resumed.partitions, partitions);
    }
    await backend.dispose();
  });
}

Deno.test("self-labelling labels the rows that are not sure, and mends the wrong ones", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  const training = new Training(backend, {});
  using rows = await Rows.open(backend, samples);
  const labelling = new SelfLabelling({ training, samples, rows }, {
    clusters: 4,
    hidden: [64],
    selfLabelSteps: 600,
    selfLabelRounds: 1,
    selfLabelStretch: 0.1,
    selfLabelThreshold: 0.8,
    rotation: 10,
    shift: 0.1,
    batchSize: 64,
    logInterval: 150,
    seed: 0,
  });
  // A third of the rows is unsure, and has the next digit's label.
  const sure = Uint8Array.from(truth, (_, i) => i % 3 === 0 ? 0 : 1);
  const given = Uint32Array.from(truth, (digit, i) => sure[i] ? digit : (digit + 1) % 4);
  labelling.write(given, sure);
  const labels = await labelling.run();
  const unsure = truth.flatMap((_, i) => sure[i] ? [] : [i]);
  const right = unsure.filter((i) => labels[i] === truth[i]).length / unsure.length;
  assert(right > 0.9, `${right}`);
  // At first the sure rows alone are learnt; after a quarter of the steps most others too.
  const learnt = training.history.map(({ learnt }) => learnt as number);
  assert(learnt[0] < 0.7 && learnt[3] > learnt[0] + 0.1, learnt.join());
  training.dispose();
  await backend.dispose();
});
