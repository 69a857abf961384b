import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import type { Plan } from "../cli/experiment.ts";
import type { RunState } from "../cli/run_state.ts";
import type { RunRecord } from "../cli/run_record.ts";
import { digitsOf } from "../report/criteria.ts";
import { recommend } from "../cli/recommendation.ts";
import { statisticOf, summarize } from "../cli/summary.ts";
import { escapeLatex, toCsv, toLatex, toMarkdown } from "../cli/summary_tables.ts";
import { inFolder, run, stop } from "./command_line.ts";

const SETTING = { model: "dynae", profile: "default", options: {}, set: 0 };

/** Two settings, two seeds; the second one's second run failed. */
const PLAN: Plan = {
  schema: 3,
  command: "compare",
  request: {},
  headings: ["model", "profile"],
  settings: [
    { ...SETTING, name: "a", cells: ["a_1 & b", "default"], pretraining: "own" },
    { ...SETTING, name: "b", cells: ['b,"|"', "default"], pretraining: "none" },
  ],
  runs: [
    { name: "a-seed0", setting: 0, seed: 0 },
    { name: "b-seed0", setting: 1, seed: 0 },
    { name: "a-seed1", setting: 0, seed: 1 },
    { name: "b-seed1", setting: 1, seed: 1 },
  ],
  data: [{ name: "set", digest: "", n: 10, d: 2, source: "", request: { data: "set" } }],
  device: {},
};

function finished(
  acc: number | undefined,
  seconds: number,
  warnings: readonly string[] = [],
): RunState {
  const scores = acc === undefined ? {} : { acc, nmi: acc / 2, ari: 0 };
  const record = {
    ...{ seconds, steps: 100, device: { used: { description: "CPU" } } },
    results: {
      ...scores,
      ...{ clusterSizes: [3, 7], diagnostics: { silhouette: 0.5 }, partitions: {}, warnings },
    },
  } as unknown as RunRecord;
  return { status: "finished", reason: "", record };
}

const STATES: RunState[] = [
  finished(0.5, 10),
  finished(0.75, 1),
  finished(0.8, 14, ["1 of 2 clusters is empty"]),
  { status: "failed", reason: "50 % of\nit | broke" },
];

Deno.test("mean and deviation, with n − 1, and extremes", () => {
  const { std, ...others } = statisticOf([2, 4, 9]);
  assertEquals(others, { mean: 5, min: 2, max: 9, n: 3 });
  // (9 + 1 + 16) / 2
  assertAlmostEquals(std!, Math.sqrt(13), 1e-15);
  assertEquals(statisticOf([7]), { mean: 7, std: null, min: 7, max: 7, n: 1 });
  assertEquals(statisticOf([]), { mean: null, std: null, min: null, max: null, n: 0 });
});

Deno.test("a table tells means, deviations, and what is not finished", () => {
  const summary = summarize(PLAN, STATES);
  assertEquals(summary.rows.map(({ finished }) => finished), [2, 1]);
  assertEquals(summary.rows.map(({ pretraining }) => pretraining), ["own", "none"]);
  const markdown = toMarkdown(summary);
  // 0.15 · √2 and 2 · √2
  assertMatch(
    markdown,
    /^\| a_1 & b +\| default \| own .*2 of 2 \| 0\.650 ± 0\.212 \| 0\.800 \| 0\.500 \|/m,
  );
  assertMatch(markdown, /12\.0 ± 2\.8 \| 100 ± 0 \|$/m);
  assertMatch(
    markdown,
    /^\| b,"\\\|" +\| default \| none +\| +1 of 2 \| +0\.750 \| 0\.750 \| 0\.750 \| +0\.375 \|/m,
  );
  assertMatch(markdown, /^- b-seed1: failed: 50 % of it \\\| broke$/m);
  assertStringIncludes(markdown, "\nWarnings:\n\n- a-seed1: 1 of 2 clusters is empty\n");
  const csv = toCsv(summary).split("\n");
  assertMatch(
    csv[0],
    /^model,profile,pretraining,runs,finished,acc_mean,acc_std,acc_max,acc_min,nmi_mean,/,
  );
  assertMatch(csv[1], /^a_1 & b,default,own,2,2,0\.65,0\.2121320\d*,0\.8,0\.5,/);
  assertMatch(csv[2], /^"b,""\|""",default,none,2,1,0\.75,,0\.75,0\.75,0\.375,,0,,1,,100,$/);
  const latex = toLatex(summary);
  assertStringIncludes(
    latex,
    "a\\_1 \\& b & default & own & 2 of 2 & $0.650 \\pm 0.212$ & $0.800$ & $0.500$ &",
  );
  assertStringIncludes(latex, "$0.750$ & $0.750$ & $0.750$ & $0.375$");
  assertStringIncludes(latex, "% b-seed1: failed: 50 % of it | broke\n");
  assertEquals(
    escapeLatex("\\50%_{~}^#$"),
    [
      "\\textbackslash{}50\\%\\_\\{\\textasciitilde{}\\}",
      "\\textasciicircum{}\\#\\$",
    ].join(""),
  );
});

Deno.test("tables quote what data and errors are called", () => {
  const data = [{ ...PLAN.data[0], name: "1. *a*|<b>\\\r\\input{x}" }];
  const states = [...STATES.slice(0, 3), { ...STATES[3], reason: "gone\r\\input{y}\u2028z" }];
  const summary = summarize({ ...PLAN, data }, states);
  const [title] = toMarkdown(summary).split("\n");
  assertStringIncludes(title, "1\\. \\*a\\*\\|\\<b>\\\\ \\\\input{x}: 10 rows");
  const latex = toLatex(summary);
  // Every line that is not part of the table is a comment.
  assertMatch(latex, /^(%[^\r\u2028]*\n)+\\begin/);
  assertStringIncludes(latex, "gone \\input{y} z");
});

Deno.test("rows without classes show silhouettes and the sizes of clusters", () => {
  const states = [2, 4, 6, 8].map((seconds) => finished(undefined, seconds));
  const summary = summarize(PLAN, states);
  assertEquals(summary.measures.map(({ name }) => name), [
    "silhouette",
    "smallest",
    "largest",
    "seconds",
    "steps",
  ]);
  assertEquals(summary.rows[0].statistics.smallest, { mean: 3, std: 0, min: 3, max: 3, n: 2 });
});

const COMPARE = [
  ...["--data", "blobs.csv", "--class-column", "last", "--device", "cpu", "--threads", "1"],
  ...["--hidden", "8,8", "--latent", "2", "--pretrain-steps", "300"],
  ...["--construction-steps", "140"],
];

/** Files of the runs, whose bytes do not depend on how often they died. */
async function bytesOf(folder: string, names: readonly string[]): Promise<Uint8Array[]> {
  return await Promise.all(
    names.flatMap((name) =>
      ["labels.csv", "embedding.npy", "metrics.jsonl"].map((file) =>
        Deno.readFile(`${folder}/${name}/${file}`)
      )
    ),
  );
}

Deno.test({
  name: "a comparison that is killed and interrupted goes on to the same bytes",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const models = ["--models", "dynae,kmeans", "--seeds", "2", "--set", "dynae.steps=300"];
      const args = ["compare", ...COMPARE, ...models, "--tol", "0"];
      const whole = await run([...args, "--out", "whole"], folder);
      assertEquals(whole.code, 0, whole.err);
      assertMatch(whole.out, /^\| dynae +\| default \| own .*2 of 2/m);
      assertMatch(whole.out, /^\| kmeans +\| default \| none .*2 of 2 \| 1\.000 ± 0\.000 \|/m);

      const killed = await stop([...args, "--out", "broken"], folder, "SIGKILL", (err) =>
        err.includes("clustering 1/"));
      assertEquals(killed.code, 137);
      const gather = ["compare", "--out", "broken", "--gather"];
      const left = await run(gather, folder);
      assertEquals(left.code, 0, left.err);
      assertMatch(left.out, /^- dynae-seed0: stopped: after/m);
      assertMatch(left.out, /^- kmeans-seed1: not started$/m);

      const again = ["compare", "--out", "broken"];
      const interrupted = await stop(again, folder, "SIGINT", (err) =>
        /dynae-seed1.*\npre-train/.test(err));
      assertEquals(interrupted.code, 130, interrupted.err);
      assertStringIncludes(interrupted.err, "compare --out broken");
      assertMatch((await run(gather, folder)).out, /^- dynae-seed1: interrupted: after/m);

      const conflict = await run([...again, "--seeds", "3"], folder);
      assertEquals(conflict.code, 2);
      assertStringIncludes(
        conflict.err,
        "--seeds 3 conflicts with broken, which was started with 2",
      );
      // What changes no byte may differ.
      const free = ["--threads", "2", "--tile", "6x8"];
      const rest = await run([...again, "--seeds", "2", ...free], folder);
      assertEquals(rest.code, 0, rest.err);
      const names = ["dynae-seed0", "dynae-seed1", "kmeans-seed0", "kmeans-seed1"];
      assertEquals(
        await bytesOf(`${folder}/broken`, names),
        await bytesOf(`${folder}/whole`, names),
      );
      const last = await Deno.readTextFile(`${folder}/broken/kmeans-seed1/run.json`);
      assertEquals(JSON.parse(last).device.threads, 2);
    }),
});

Deno.test("a run that fails stays in the table with its reason, and takes no other down", () =>
  inFolder(async (folder) => {
    const args = ["compare", ...COMPARE, "--models", "dynae,kmeans", "--seeds", "1"];
    const small = ["--pretrain-steps", "20", "--set", "dynae.learning-rate=1e30"];
    const { code, out, err } = await run([...args, ...small, "--out", "runs"], folder);
    assertEquals(code, 1, err);
    assertStringIncludes(err, "error: 1 of 2 runs are not finished");
    assertMatch(out, /^\| dynae .*0 of 1 \| +– /m);
    assertMatch(out, /^- dynae-seed0: failed: clustering: the loss term "code" became NaN/m);
    assertMatch(out, /^\| kmeans .*1 of 1 \| 1\.000 \|/m);
    const task = await run(["compare", "--out", "runs", "--task", "0"], folder);
    assertEquals(task.code, 1);
    assertStringIncludes(task.err, "dynae-seed0 is not finished, but failed: clustering");
  }));

Deno.test("a sweep runs the grid from one pre-training a seed", () =>
  inFolder(async (folder) => {
    const over = ["--over", "gamma=1,2", "--over", "momentum=0.5,0.9", "--steps", "20"];
    const args = ["sweep", ...COMPARE, ...over, "--seeds", "1", "--from-same-pretraining"];
    const { code, out, err } = await run([...args, "--out", "grid", "--json"], folder);
    assertEquals(code, 0, err);
    const { rows } = JSON.parse(out);
    assertEquals(rows.slice(1).map(({ setting }: { setting: unknown }) => setting), [
      { gamma: "1", momentum: "0.5" },
      { gamma: "1", momentum: "0.9" },
      { gamma: "2", momentum: "0.5" },
      { gamma: "2", momentum: "0.9" },
    ]);
    assertEquals(rows.map(({ pretraining }: { pretraining: string }) => pretraining), [
      "own",
      ...Array(4).fill("shared"),
    ]);
    const run0 = `${folder}/grid/dynae-gamma=2-momentum=0.9-seed0`;
    const log = await Deno.readTextFile(`${run0}/metrics.jsonl`);
    assert(!log.includes('"pre-training"'), log);
    const { configuration, from } = JSON.parse(await Deno.readTextFile(`${run0}/run.json`));
    const first = await Deno.realPath(`${folder}/grid/pretraining-seed0`);
    assertEquals([configuration.options.gamma, from], [2, first]);
  }));

Deno.test("networks of dense layers share a pre-training, another one has its own", () =>
  inFolder(async (folder) => {
    const args = ["compare", "--models", "dkm,depict,kmeans", "--limit", "200", "--seeds", "1"];
    const steps = ["--from-same-pretraining", "--pretrain-steps", "2", "--steps", "2"];
    const { code, out, err } = await run([...args, ...steps, "--out", "runs", "--json"], folder);
    assertEquals(code, 0, err);
    const { rows } = JSON.parse(out);
    const kinds = rows.map(({ pretraining }: { pretraining: string }) => pretraining);
    assertEquals(kinds, ["own", "shared", "own", "none"]);
  }));

Deno.test("what is wrong with a comparison or a sweep is said before anything runs", () =>
  inFolder(async (folder) => {
    const compare = ["compare", "--out", "new", "--models", "dynae,kmeans"];
    const sweep = ["sweep", "--out", "new"];
    const cases: [args: string[], message: string][] = [
      [["compare", "--models", "kmeans"], "required option '--out <dir>' not specified"],
      [["compare", "--out", "new"], "--models says what to compare"],
      [["compare", "--out", "new", "--models", "kmens"], "did you mean kmeans?"],
      [["compare", "--out", "new", "--models", "kmeans,kmeans"], "--models names kmeans twice"],
      [["compare", "--out", ".", "--models", "kmeans"], "and no plan.json"],
      [["compare", "--out", "new", "--task", "0"], "new holds no plan.json"],
      [[...compare, "--set", "kmeans"], "--set takes MODEL.option=value"],
      [[...compare, "--set", "kmeans.n-ini=3"], "did you mean n-init?"],
      [[...compare, "--set", "kmean.n-init=3"], "did you mean kmeans?"],
      [[...compare, "--set", "dynae.latent=0"], "--latent must be an integer ≥ 1, got 0"],
      [[...compare, "--profile", "official"], "--set kmeans.profile=NAME"],
      [[...compare, "--clusters", "6000"], "--clusters is 6000, and optdigits has 5620 rows"],
      [
        ["compare", "--out", "new", "--models", "depict", "--data", "rows.csv", "--clusters", "2"],
        "depict needs images, and the rows of rows.csv have no height and width",
      ],
      [[...compare, "--launcher", "slrm"], "did you mean slurm?"],
      [
        [...compare, "--from-same-pretraining", "--set", "dynae.latent=3"],
        "--latent of dynae is 3",
      ],
      [sweep, "--over says what to vary"],
      [[...sweep, "--over", "gamma"], "--over takes option=value,value,…"],
      [[...sweep, "--over", "gama=1"], "did you mean gamma?"],
      [[...sweep, "--over", "gamma=1,1"], "--over gamma names 1 twice"],
      [[...sweep, "--over", "clusters=2:4,3"], "--over clusters names 3 twice"],
      [[...sweep, "--over", "clusters=4:2"], "--over takes first:last or first:last:step"],
      [[...sweep, "--over", "clusters=2:4:0"], "of 1 to 1000 values, got 2:4:0"],
      [[...sweep, "--over", "gamma=1", "--gamma", "2"], "--over and --gamma exclude each other"],
      [
        [...sweep, "--over", "pretrain-steps=1,2", "--from-same-pretraining"],
        "has no pre-training of its own",
      ],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => run(args, folder)));
    for (const [i, { code, err }] of outcomes.entries()) {
      assertStringIncludes(err, cases[i][1]);
      assertEquals([code, err.trim().split("\n").length], [2, 1], err);
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "blobs.csv",
      "rows.csv",
    ]);
  }));

Deno.test("a sweep over K shows what there is to choose by, and recommends; classes or not", () =>
  inFolder(async (folder) => {
    const sweep = ["sweep", "--device", "cpu", "--threads", "1", "--over", "clusters=2:4"];
    const [kmeans, gmm] = await Promise.all([
      [...sweep, "--model", "kmeans", "--data", "rows.csv", "--seeds", "2", "--out", "k"],
      [
        ...[...sweep, "--model", "gmm", "--data", "blobs.csv", "--class-column", "class"],
        ...["--seeds", "1", "--out", "g"],
      ],
    ].map((args) => run(args, folder)));
    assertEquals([kmeans.code, gmm.code], [0, 0], kmeans.err + gmm.err);
    const head = "silhouette \\| +CH \\| +DB \\| +inertia \\| +NCut \\| +seeds' ARI \\|";
    assertMatch(kmeans.out, new RegExp(`\\| +${head}`));
    assertStringIncludes(
      kmeans.out,
      "\nRecommended: clusters=3. It is best by the silhouette, Calinski–Harabasz and " +
        "Davies–Bouldin. Its seeds agree (ARI 1.000).\n",
    );
    const { rows, recommendations } = JSON.parse(
      await Deno.readTextFile(`${folder}/k/table.json`),
    );
    const measured = (name: string) =>
      rows.map((
        { statistics }: { statistics: Record<string, { mean: number }> },
      ) => statistics[name].mean);
    const found = measured("silhouette");
    assertEquals(found.indexOf(Math.max(...found)), 1, `${found}`);
    assertEquals(measured("agreement")[1], 1);
    const inertia = measured("inertia");
    assert(inertia[0] > inertia[1] && inertia[1] > inertia[2], `${inertia}`);
    assertEquals(recommendations[0].clusters, 3);
    assertMatch(gmm.out, /\| +ACC \|.* silhouette \|.* BIC \|/);
    assertMatch(gmm.out, /^Recommended: clusters=3\. It is best by .*BIC/m);
  }));

Deno.test("a number of clusters is recommended by most criteria, with what speaks against it", () => {
  const row = (k: string, silhouette: number, ch: number, db: number, agreement?: number) => ({
    cells: [k, "full"],
    finished: 1,
    statistics: {
      silhouette: { mean: silhouette },
      calinskiHarabasz: { mean: ch },
      daviesBouldin: { mean: db },
      ...agreement === undefined ? {} : { agreement: { mean: agreement } },
    },
  });
  const headings = ["clusters", "covariance"];
  const rows = [row("2", 0.1, 50, 0.9), row("3", 0.2, 90, 0.7), row("10", 0.22, 10, 0.8, 0.5)];
  const [{ of, clusters, reasons }] = recommend(headings, rows, true);
  assertEquals([of, clusters], ["covariance=full", 3]);
  assertEquals(
    reasons[0],
    "It is best by Calinski–Harabasz and Davies–Bouldin; 10 by the silhouette.",
  );
  assertStringIncludes(reasons[1], "silhouette of 0.200 is low: no number of clusters stands out");
  assertStringIncludes(reasons[2], "of each run's own codes");
  // All differ: the silhouette decides; 10 is the end, and not before 9.
  const split = [row("9", 0.5, 90, 0.9), row("3", 0.4, 50, 0.7), row("10", 0.6, 10, 0.8, 0.5)];
  const [end] = recommend(headings, split, false);
  assertEquals(end.clusters, 10);
  assertEquals(end.reasons.slice(1), [
    "Its seeds agree little (ARI 0.500): the clusters hinge on the start.",
    "10 is an end of the range: try beyond it.",
  ]);
  const withBic = split.map((one, i) => ({
    ...one,
    statistics: { ...one.statistics, bic: { mean: [1, 9, 5][i] } },
  }));
  assertEquals(recommend(headings, withBic, false)[0].clusters, 9);
  assertEquals(recommend(["gamma"], rows, true), []);
  assertEquals(recommend(headings, rows.slice(1, 2), true), []);
  assertEquals(recommend(headings, rows.map((one) => ({ ...one, finished: 0 })), true), []);
});

Deno.test("values of large range are written with the digits that befit them", () => {
  const measure = { name: "inertia", title: "inertia", significant: 4 };
  const written = [123456, 12.3456, 0.000123456, 0].map((x) => x.toFixed(digitsOf(x, measure)));
  assertEquals(written, ["123456", "12.35", "0.0001235", "0.000"]);
});

Deno.test("without the permission to submit, the launcher says which one it needs", () =>
  inFolder(async (folder) => {
    const args = ["compare", ...COMPARE, "--models", "kmeans", "--out", "runs"];
    const kmeans = args.filter((_, i) => i < 9 || i > 16);
    const { code, err } = await run([...kmeans, "--launcher", "slurm"], folder);
    assertEquals(code, 1, err);
    assertStringIncludes(err, "deno run -P=slurm in place of -P");
  }));

Deno.test("tables are made without the labels that a run has lost", () =>
  inFolder(async (folder) => {
    const data = ["--data", "rows.csv", "--clusters", "3", "--device", "cpu"];
    const args = ["compare", "--models", "kmeans", "--seeds", "4", ...data, "--out", "k"];
    const whole = await run(args, folder);
    assertEquals(whole.code, 0, whole.err);
    const labels = (seed: number) => `${folder}/k/kmeans-seed${seed}/labels.csv`;
    await Deno.remove(labels(1));
    const text = await Deno.readTextFile(labels(2));
    await Deno.writeTextFile(labels(2), text.split("\n").slice(0, 5).join("\n"));
    const gathered = await run(["compare", "--out", "k", "--gather"], folder);
    assertEquals(gathered.code, 0, gathered.err);
    assertMatch(gathered.err, /^note: .*kmeans-seed1\/labels\.csv: there is no such file$/m);
    assertMatch(gathered.err, /^note: k\/kmeans-seed2\/labels\.csv has 4 rows, the run had 240$/m);
    const pairs = async () =>
      JSON.parse(await Deno.readTextFile(`${folder}/k/table.json`)).rows[0].statistics.agreement.n;
    assertEquals(await pairs(), 1);
  }));
