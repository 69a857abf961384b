/** Comparisons on several sets, of one model twice, and by steps to a score. */
import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { parseModels } from "../cli/model_list.ts";
import { featureCosines, parseGoal, scoredRows, stepsTo } from "../cli/run_log.ts";
import { inFolder, run, stop } from "./command_line.ts";

const LOG = [
  { phase: "pre-training", step: 100, reconstruction: 0.1 },
  { phase: "construction", step: 0, acc: 0.5 },
  { phase: "construction", step: 40, acc: 0.515 },
  { phase: "construction", step: 60, acc: 0.51, featureDrift: 0.25 },
  { phase: "clustering", step: 0, acc: 0.53 },
  { phase: "clustering", step: 20, acc: 0.6, featureRandomness: null, featureDrift: -0.5 },
];

Deno.test("steps to a score count from the log's first one, over its phases", () => {
  assertEquals(scoredRows(LOG).map(({ step }) => step), [0, 40, 60, 60, 80]);
  assertEquals(stepsTo(parseGoal("0.5"), LOG), 0);
  assertEquals(stepsTo(parseGoal("+0.02"), LOG), 60);
  assertEquals(stepsTo(parseGoal("0.6"), LOG), 80);
  assertEquals(stepsTo(parseGoal("+0.2"), LOG), undefined);
  assertEquals(stepsTo(parseGoal("+0.2"), []), undefined);
  assertEquals(featureCosines(LOG), { featureDrift: -0.5 });
  for (const text of ["0", "1.5", "-0.1"]) {
    assertThrows(() => parseGoal(text), Error, "above 0 and at most 1");
  }
  assertThrows(() => parseGoal("start"), Error, "--steps-to takes an accuracy such as 0.9");
});

Deno.test("a list of models has options in it, and lists in these", () => {
  const entries = parseModels("dynae,dynae:hidden=64,64:gamma=1,kmeans,dec:profile=official");
  assertEquals(
    entries.map(({ text, method, profile, options }) => [text, method.name, profile, options]),
    [
      ["dynae", "dynae", undefined, {}],
      ["dynae:hidden=64,64:gamma=1", "dynae", undefined, { hidden: [64, 64], gamma: 1 }],
      ["kmeans", "kmeans", undefined, {}],
      ["dec:profile=official", "dec", "official", {}],
    ],
  );
});

const COMPARE = [
  ...["compare", "--data", "blobs.csv,other.csv", "--class-column", "class", "--device", "cpu"],
  ...[
    "--threads",
    "1",
    "--hidden",
    "8,8",
    "--latent",
    "2",
    "--pretrain-steps",
    "60",
    "--seeds",
    "2",
  ],
  ...["--models", "dynae:steps=20,dynae:partition=kmeans:steps=20,kmeans"],
  ...["--construction-steps", "40", "--check-interval", "10", "--feature-diagnostics"],
  "--from-same-pretraining",
];

Deno.test({
  name: "two sets and one model twice make one table, which an interruption does not change",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const blobs = await Deno.readTextFile(`${folder}/blobs.csv`);
      const half = blobs.split("\n").slice(0, 121).join("\n");
      await Deno.writeTextFile(`${folder}/other.csv`, `${half}\n`);
      const args = [...COMPARE, "--steps-to", "0.99"];
      const whole = await run([...args, "--out", "whole"], folder);
      assertEquals(whole.code, 0, whole.err);
      assertStringIncludes(whole.out, "blobs.csv: 240 rows of 4 columns; other.csv: 120 rows of 4");
      assertMatch(
        whole.out,
        /^\| data +\| model +.* ACC \| +best \| +worst \|.* steps to 0.99 \|/m,
      );
      assertMatch(whole.out, /\| +FR \| +FD \|/);
      assertStringIncludes(whole.out, "in the form of arXiv 1909.11832");
      assertMatch(whole.out, /^\| other.csv +\| kmeans .* 1\.000 ± 0\.000 \| 1\.000 \| 1\.000 \|/m);
      const rows = JSON.parse(await Deno.readTextFile(`${folder}/whole/table.json`)).rows;
      type Row = { setting: Record<string, string>; pretraining: string };
      assertEquals(rows.length, 8);
      assertEquals(
        rows.map(({ setting, pretraining }: Row) => [setting.data, pretraining]).slice(4, 6),
        [["other.csv", "own"], ["other.csv", "shared"]],
      );
      const name = "other.csv-dynae-partition=kmeans-steps=20-seed1";
      const record = JSON.parse(await Deno.readTextFile(`${folder}/whole/${name}/run.json`));
      const from = await Deno.realPath(`${folder}/whole/other.csv-pretraining-seed1`);
      assertEquals(record.from, from);
      const { partition, steps } = record.configuration.options;
      assertEquals([partition, steps], ["kmeans", 20]);

      const interrupted = await stop(
        [...args, "--out", "broken"],
        folder,
        "SIGINT",
        (err) => /other\.csv-pretraining-seed1.*\npre-train/.test(err),
      );
      assertEquals(interrupted.code, 130, interrupted.err);
      const rest = await run(["compare", "--out", "broken", "--steps-to", "0.99"], folder);
      assertEquals(rest.code, 0, rest.err);
      const file = `${name}/labels.csv`;
      assertEquals(
        await Deno.readTextFile(`${folder}/broken/${file}`),
        await Deno.readTextFile(`${folder}/whole/${file}`),
      );
      const timeless = (table: string) =>
        table.split("\n").filter((line) => line.startsWith("|"))
          .map((line) => line.split("|").map((cell) => cell.trim()).toSpliced(-3, 1).join("|"));
      assert(timeless(rest.out).length === 10, rest.out);
      assertEquals(timeless(rest.out), timeless(whole.out));
    }),
});

Deno.test("sets whose names make one folder name have folders of their own", () =>
  inFolder(async (folder) => {
    const [head, ...rows] = (await Deno.readTextFile(`${folder}/blobs.csv`)).trimEnd().split("\n");
    const sizes = { "数据.csv": 60, "测试.csv": 90, "_.csv": 120, "_.CSV": 150 };
    for (const [name, size] of Object.entries(sizes)) {
      await Deno.writeTextFile(`${folder}/${name}`, [head, ...rows.slice(0, size), ""].join("\n"));
    }
    const { code, err } = await run([
      ...["compare", "--data", Object.keys(sizes).join(), "--class-column", "class"],
      ...["--models", "kmeans", "--seeds", "1", "--device", "cpu", "--out", "runs"],
    ], folder);
    assertEquals(code, 0, err);
    const folders = ["_.csv", "_.csv-2", "_.csv-3", "_.CSV-4"];
    const records = await Promise.all(
      folders.map(async (name) =>
        JSON.parse(await Deno.readTextFile(`${folder}/runs/${name}-kmeans-seed0/run.json`))
      ),
    );
    assertEquals(
      records.map(({ data: { name, n } }) => [name, n]),
      Object.entries(sizes),
    );
    // A plan of before, whose second set nobody would run.
    const plan = await Deno.readTextFile(`${folder}/runs/plan.json`);
    await Deno.writeTextFile(`${folder}/runs/plan.json`, plan.replaceAll("_.csv-2-", "_.csv-"));
    const shared = await run(["compare", "--out", "runs", "--gather"], folder);
    assertStringIncludes(shared.err, "runs is a list, expected a folder for each run");
    assertEquals(shared.code, 1);
  }));

Deno.test("what is wrong with sets, entries and goals is said", () =>
  inFolder(async (folder) => {
    const to = ["compare", "--out", "new"];
    const cases: [args: string[], message: string][] = [
      [[...to, "--models", "kmeans", "--data", "usps,usps"], "--data names usps twice"],
      [
        [...to, "--models", "kmeans", "--data", "optdigits,usps", "--classes", "c.npy"],
        "--classes is for one data set, and --data names 2",
      ],
      [[...to, "--models", "dynae:partitoin=kmeans"], "did you mean partition?"],
      [[...to, "--models", "dynae:gamma"], "--models takes MODEL or MODEL:option=value"],
      [[...to, "--models", "dynae:gamma=x"], "--gamma takes a number"],
      [[...to, "--models", "dynae:profile=oficial"], "did you mean official?"],
      [[...to, "--models", "kmeans,64"], "unknown model"],
      [[...to, "--models", "kmeans", "--steps-to", "2"], "--steps-to takes an accuracy"],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => run(args, folder)));
    for (const [i, { code, err }] of outcomes.entries()) {
      assertStringIncludes(err, cases[i][1]);
      assertEquals(code, 2, err);
    }
  }));
