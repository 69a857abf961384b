/** Tables of papers made anew: what they consist of, a tiny one, and its interruption. */
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { framedImage, lineChart, scatterPanels, ticksOf } from "../cli/reproduce/chart.ts";
import { imageGrid } from "../report/image_grid.ts";
import { firstRows } from "../cli/reproduce/centroids.ts";
import type { FinishedRun } from "../cli/reproduce/paper_table.ts";
import type { LogRow } from "../models/estimator.ts";
import { scoresChart } from "../cli/reproduce/scores_chart.ts";
import { toyRows } from "../cli/reproduce/toy.ts";
import { designOf, parseScale } from "../cli/reproduce/design.ts";
import { principalPlane, project } from "../cli/reproduce/principal_plane.ts";
import { TABLES } from "../cli/reproduce/registry.ts";
import { METHODS } from "../models/registry.ts";
import { profileOptions } from "../cli/method_options.ts";
import { inFolder, run, stop } from "./command_line.ts";

Deno.test("every table's rows are models with options that they take, by both profiles", () => {
  for (const [name, table] of Object.entries(TABLES)) {
    for (const profile of ["default", "official"]) {
      for (const data of table.data.split(",")) {
        const { settings, pretraining, headings } = designOf(table, data, { scale: 0.5, profile });
        assertEquals(pretraining !== undefined, table.isShared === true, name);
        assertEquals(new Set(settings.map(({ name }) => name)).size, settings.length, name);
        for (const { model, profile, options, cells } of settings) {
          METHODS[model].create(profileOptions(METHODS[model], profile, options));
          assertEquals(cells.length, headings.length, name);
        }
      }
    }
  }
});

Deno.test("published figures stand with their row and set; a scale shortens what is a schedule", () => {
  const whole = designOf(TABLES.methods, "usps", { scale: 1, profile: "official" });
  assertEquals([whole.title, whole.headings], ["USPS", ["model", "profile", "published"]]);
  const cells = Object.fromEntries(whole.settings.map(({ name, cells }) => [name, cells]));
  assertEquals(cells.dynae, ["dynae", "official", ".981 / .948"]);
  assertEquals(cells.depict, ["depict", "official-usps", ".899 / .906"]);
  assertEquals(cells.kmeans, ["kmeans", "default", ".668 / .627"]);
  assertEquals(whole.settings.map(({ options }) => Object.keys(options)).flat(), []);

  const short = designOf(TABLES.methods, "mnist", { scale: 1e-3, profile: "official" });
  const dynae = short.settings.find(({ name }) => name === "dynae")!;
  assertEquals(dynae.cells, ["dynae", "official", ".987 / .964", "0.001"]);
  assertEquals(dynae.options, {
    pretrainSteps: 130,
    steps: 100,
    checkInterval: 1,
    logInterval: dynae.options.logInterval,
  });
  const shared = designOf(TABLES.curves, "usps", { scale: 0.01, profile: "default" });
  assertEquals(shared.pretraining!.options.pretrainSteps, 100);
  assert(shared.settings.every(({ options }) => !Object.hasOwn(options, "pretrainSteps")));
  // A row tells the steps that it has, not those that it would have.
  const [start, first] =
    designOf(TABLES.codes, "usps", { scale: 0.01, profile: "default" }).settings;
  assertEquals([start.cells[0], first.cells[0]], ["0", String(first.options.steps)]);
  assertThrows(() => parseScale("0"), Error, "--scale takes a number above 0 and at most 1, got 0");
  assertThrows(() => parseScale("2"), Error, "at most 1, got 2");
});

Deno.test("charts place what they are given, within their frame", () => {
  assertEquals(ticksOf(0.13, 0.97), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assertEquals(ticksOf(0, 3000), [0, 1000, 2000, 3000]);
  assertEquals(ticksOf(7, 7), [7]);
  const captions = { title: 'a < b & "c"', note: "" };
  const series = [{ name: "x", points: [[0, 0], [100, 1]] as const, marks: [100] }];
  const chart = lineChart(series, { ...captions, x: "steps", y: "ACC" });
  assertStringIncludes(chart, ">steps</text>");
  assertStringIncludes(chart, 'transform="rotate(-90 18 214)">ACC</text>');
  // From the left lower corner of the frame to the right upper one, where the mark is.
  assertStringIncludes(chart, '<polyline points="70.0,384.0 610.0,44.0"');
  assertStringIncludes(chart, '<circle cx="610.0" cy="44.0" r="5"');
  assertStringIncludes(chart, "a &lt; b &amp; &quot;c&quot;");
  assertThrows(() => lineChart([], { ...captions, x: "", y: "" }), RangeError, "nothing to draw");
  const points = Float64Array.of(0, 0, 2, 1);
  const axes = { ...captions, x: "first axis", y: "second axis" };
  const panels = scatterPanels([{ title: "0 steps", points, groups: [0, 1] }], {
    ...axes,
    groups: ["zero", "one"],
  });
  // The longer side fills the panel; the shorter one, half as long, stands in its middle.
  assertStringIncludes(panels, '<circle cx="72.0" cy="256.0"');
  assertStringIncludes(panels, '<circle cx="320.0" cy="132.0"');
  // Axes have names and numbers, colours what they stand for.
  assertMatch(panels, /<text x="72\.0" y="340" [^>]*>0<.*<text x="320\.0" y="340" [^>]*>2</s);
  assertMatch(panels, />first axis<.*rotate\(-90[^>]*>second axis</s);
  assertMatch(panels, /fill="#0072b2"\/><text [^>]*>zero<.*fill="#d55e00"\/><text [^>]*>one</s);
  // Five panels are two rows of three at most; a cross has its place as a point has.
  const crosses = Float64Array.of(2, 1);
  const five = scatterPanels(
    Array.from({ length: 5 }, (_, i) => ({ title: `${i}`, points, groups: [0, 1], crosses })),
    axes,
  );
  assertMatch(five, /^<svg [^>]* width="894" height="692"/);
  assertStringIncludes(five, '<path d="M320.0 132.0m');
  assertStringIncludes(five, '<circle cx="72.0" cy="562.0"');
});

Deno.test("a note that is longer than its picture is wide goes on below", () => {
  const note = "Every schedule has 0.05 % of its length (scale 0.0005): a trial of the machinery.";
  const points = Float64Array.of(0, 0, 2, 1);
  const panels = [{ title: "0 steps", points, groups: [0, 1] }];
  const picture = scatterPanels(panels, { title: "", note, x: "x", y: "y" });
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(picture)!.map(Number);
  const lines = [...picture.matchAll(/<text x="16" y="(\d+)" text-anchor="start">([^<]*)</g)];
  assertEquals(lines.map(([, , text]) => text).join(" "), note);
  assert(lines.length > 1);
  // Eight pixels a sign are room enough for wide fonts.
  assert(lines.every(([, y, text]) => 8 * text.length < width - 16 && Number(y) < height), picture);
});

Deno.test("published figures are what our runs would say of the authors' logs", () => {
  const ours = (table: string, log: LogRow[]) =>
    TABLES[table].ours!({ ...{} as FinishedRun, log, title: "dynae" });
  const published = (table: string, set: string) => TABLES[table].published!.figures.dynae[set];
  // Checks of nairouz/DynAE, results/mnist-test/cluster/train_dynAE_log.csv: around its drops.
  const counts = [[0, 6244], [140, 5439], [5600, 937], [5740, 908], [5880, 911], [6020, 257]];
  const checks = [...counts, [6160, 260], [6300, 0]].map(([step, conflicted], i, all) => {
    const update = i > 0 && conflicted >= all[i - 1][1];
    return { phase: "clustering", step, conflicted, update };
  });
  assertEquals(ours("conflicts", checks), published("conflicts", "mnist-test"));
  assertEquals(ours("conflicts", []), undefined);
  const scores = (first: number, last: number): LogRow[] => [
    { phase: "clustering", step: 0, acc: first },
    { phase: "clustering", step: 140, acc: last },
  ];
  assertEquals(ours("curves", scores(0.9568, 0.9828)), published("curves", "mnist-test"));
  assertEquals(ours("curves", scores(0.55743, 0.56546)), published("curves", "fashion-mnist"));
  assertEquals(ours("curves", []), undefined);
});

Deno.test("a table's accuracies are drawn from worst to best, beside what is published", () => {
  const rows = [
    { name: "dec", values: [0.5, 0.7], published: 0.8 },
    { name: "kmeans", values: [0.6] },
  ];
  const captions = { title: "USPS", note: "", names: "model" };
  const chart = scoresChart(rows, captions);
  // Ticks go from 0.4 to 0.8, as the deviation of 0.141 wants it, over 76 to 666.
  assertStringIncludes(chart, '<line x1="223.5" x2="518.5" y1="62"');
  assertStringIncludes(chart, '<line x1="162.4" x2="579.6" y1="62"');
  assertStringIncludes(chart, '<circle cx="371.0" cy="62" r="5"');
  assertStringIncludes(chart, '<circle cx="666.0" cy="62" r="6" fill="none"');
  assertMatch(
    chart,
    />model<.*>accuracy \(ACC\)<.*>Dots: mean of 1 to 2 seeds; .*rings:<.*>published\.<\/text>/s,
  );
  const alone = scoresChart([rows[1]], captions);
  assertStringIncludes(alone, ">Dots: 1 seed.<");
});

Deno.test("the toy's rows are five Gaussians of their means and deviation", () => {
  const [head, ...lines] = toyRows().trimEnd().split("\n");
  assertEquals([head, lines.length], ["x,y,class", 1000]);
  const values = lines.map((line) => line.split(",").map(Number));
  const first = values.filter(([, , cluster]) => cluster === 0);
  const mean = (column: number) => first.reduce((sum, row) => sum + row[column], 0) / first.length;
  assertAlmostEquals(mean(0), -4, 0.2);
  assertAlmostEquals(mean(1), -1, 0.2);
  const variance = first.reduce((sum, [x]) => sum + (x - mean(0)) ** 2, 0) / first.length;
  assertAlmostEquals(Math.sqrt(variance), 0.9, 0.1);
});

Deno.test("a PNG keeps its size in its frame", async () => {
  const range = [0, 1] as const;
  const images = Float32Array.of(0, 1, 1, 0);
  const png = await imageGrid(images, { height: 1, width: 2, columns: 2, range });
  const framed = framedImage(png, { title: "digits", note: "a note" });
  // Two images of 64 pixels' width, and the gap between them.
  assertStringIncludes(framed, '<image x="16" y="44" width="132" height="32" href="data:image/png');
  const [, base64] = /base64,([^"]*)"/.exec(framed)!;
  assertEquals(Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0)), png);
  assertStringIncludes(framed, ">a note</text>");
});

Deno.test("the principal plane holds the two directions of the largest variances", () => {
  // Along (0, 3, 4)/5 by ±10, along (1, 0, 0) by ±2, and 0.1 along the third.
  const codes = [10, -10].flatMap((a) =>
    [2, -2].flatMap((b) =>
      [0.1, -0.1].flatMap((c) => [5 + b, 0.6 * a - 0.8 * c, 1 + 0.8 * a + 0.6 * c])
    )
  );
  const plane = principalPlane(codes, 3);
  const [first, second] = plane.axes.map((axis) => Array.from(axis, (x) => Math.abs(x).toFixed(6)));
  assertEquals(first, ["0.000000", "0.600000", "0.800000"]);
  assertEquals(second, ["1.000000", "0.000000", "0.000000"]);
  const points = project(codes, plane);
  assertEquals(Array.from(points.subarray(0, 2), (x) => Math.abs(x).toFixed(6)), [
    "10.000000",
    "2.000000",
  ]);
  assertEquals(firstRows([2, 0, 2, 2, 0], 2), [1, 4, 0, 2]);
});

const TINY = [
  ...["--data", "optdigits", "--limit", "100", "--seeds", "1", "--scale", "0.0005"],
  ...["--device", "cpu", "--threads", "1"],
];

Deno.test("a tiny table says what it is, and draws", () =>
  inFolder(async (folder) => {
    const { code, out, err } = await run(["reproduce", "curves", ...TINY, "--out", "runs"], folder);
    assertEquals(code, 0, err);
    assertMatch(out, /^Optdigits: 100 rows of 64 columns; seed 0; /);
    assertMatch(out, /^\| model +\| profile +\| published \| scale +\|/m);
    assertMatch(out, /^\| dynae, graph +\| default \| – +\| 0\.0005 \| shared .* 1 of 1 \|/m);
    assertStringIncludes(out, "0.05 % of its length (scale 0.0005): a trial of the machinery");
    assertStringIncludes(err, "table.tex, optdigits-accuracy.svg");
    const read = (name: string) => Deno.readTextFile(`${folder}/runs/${name}`);
    // Some rows are not the set that published figures are of.
    assertStringIncludes(out, "Of each set at most the first 100 rows are there (limit 100)");
    assertMatch(
      (await read("optdigits-accuracy.svg")).replaceAll(/<[^>]*>\s*/g, " "),
      /dynae, graph .*Optdigits: accuracy over the steps, seed 0 .*Profile: default\..*scale 0\.0005.*first 100 rows/s,
    );
    for (const file of ["table.csv", "table.tex", "table.json"]) {
      assertStringIncludes(await read(file), "0.0005", file);
    }
    const { notes, rows } = JSON.parse(await read("table.json"));
    const [published, ours] = notes.slice(-2);
    assertStringIncludes(published, "Published: ACC at the start → at the end");
    // The table's accuracy of seed 0 is that of its run.
    const [, dec] = rows;
    const end = dec.statistics.acc.max.toFixed(3).slice(1);
    assertMatch(
      ours,
      new RegExp(`^Ours in that form, of seed 0: Optdigits, dec: \\.\\d{3} → \\${end};`),
    );
    const { results } = JSON.parse(await read("dec-seed0/run.json"));
    assertEquals([rows.length, dec.statistics.acc.max], [5, results.acc]);
  }));

Deno.test("a table with rows of its own writes them, and takes no others", () =>
  inFolder(async (folder) => {
    const args = ["reproduce", "toy", "--seeds", "1", "--scale", "0.01", "--device", "cpu"];
    const { code, out, err } = await run([...args, "--out", "runs"], folder);
    assertEquals(code, 0, err);
    assertMatch(out, /^\| cm +\| 40 +\| 1 +\| default .* 1 of 1 \|/m);
    assertEquals(await Deno.readTextFile(`${folder}/runs/toy.csv`), toyRows());
    const svg = await Deno.readTextFile(`${folder}/runs/toy.svg`);
    assertMatch(svg, /^<svg .*>kmeans<.*>gmm, isotropic<.*>cm, prior 50, \d+ steps<.*scale 0\.01/s);
    // Five centroids in each of CM's five panels.
    assertEquals(svg.match(/<path /g)?.length, 25);
    const again = await run(["reproduce", "--out", "runs", "--gather"], folder);
    assertEquals([again.code, again.out], [0, out], again.err);
    // A file of that name that is the user's stays; what a process left that ended early does not matter.
    await Deno.mkdir(`${folder}/mine`);
    await Deno.writeTextFile(`${folder}/mine/toy.csv`, "mine");
    const mine = await run([...args, "--out", "mine"], folder);
    assertEquals(mine.code, 2);
    assertStringIncludes(mine.err, "mine holds toy.csv and no plan.json; name another folder");
    assertEquals(await Deno.readTextFile(`${folder}/mine/toy.csv`), "mine");
    await Deno.writeTextFile(`${folder}/mine/toy.csv`, toyRows());
    const left = await run([...args, "--out", "mine", "--data", "optdigits"], folder);
    assertStringIncludes(left.err, "rows of its own, and takes no --data; got optdigits");
    const other = await run([...args, "--out", "other", "--data", "optdigits"], folder);
    assertEquals(other.code, 2);
    assertStringIncludes(other.err, "rows of its own, and takes no --data; got optdigits");
  }));

Deno.test({
  name: "a table that is interrupted goes on by its folder's name",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inFolder(async (folder) => {
      const args = ["reproduce", "cm", ...TINY];
      const whole = await run([...args, "--out", "whole"], folder);
      assertEquals(whole.code, 0, whole.err);
      const interrupted = await stop([...args, "--out", "broken"], folder, "SIGINT", (err) =>
        /prior=5-seed0.*\n/.test(err));
      assertEquals(interrupted.code, 130, interrupted.err);
      const other = await run(["reproduce", "--out", "broken", "--scale", "0.1"], folder);
      assertEquals(other.code, 2);
      assertStringIncludes(
        other.err,
        "--scale 0.1 conflicts with broken, which was started with 0.0005",
      );
      const codes = await run(["reproduce", "codes", "--out", "broken"], folder);
      assertStringIncludes(
        codes.err,
        "the table codes conflicts with broken, which was started with cm",
      );
      const rest = await run(["reproduce", "--out", "broken"], folder);
      assertEquals(rest.code, 0, rest.err);
      assertMatch(rest.out, /^\| 200 +\| default \| 0\.0005 \| none .* 1 of 1 \|/m);
      for (const file of ["optdigits-e3.svg", "prior=200-seed0/labels.csv"]) {
        assertEquals(
          await Deno.readTextFile(`${folder}/broken/${file}`),
          await Deno.readTextFile(`${folder}/whole/${file}`),
          file,
        );
      }
    }),
});

Deno.test("what is wrong with a table is said before anything runs", () =>
  inFolder(async (folder) => {
    const cases: [args: string[], message: string][] = [
      [["reproduce", "--out", "new"], "name the table to reproduce: methods, curves"],
      [["reproduce", "method", "--out", "new"], "did you mean methods?"],
      [["reproduce", "cm", "--out", "new", "--scale", "7"], "--scale takes a number above 0"],
      [["reproduce", "cm", "--out", "new", "--profile", "oficial"], "did you mean official?"],
    ];
    const outcomes = await Promise.all(cases.map(([args]) => run(args, folder)));
    for (const [i, { code, err }] of outcomes.entries()) {
      assertStringIncludes(err, cases[i][1]);
      assertEquals(code, 2, err);
    }
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "blobs.csv",
      "rows.csv",
    ]);
  }));
