/** Reports of runs: what they say, that data stay text, that nothing is loaded, and how they are asked for. */
import {
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { openDevice } from "../engine/device.ts";
import type { LogRow } from "../models/estimator.ts";
import { chartSvg } from "../report/chart_svg.ts";
import { confusionOf } from "../report/confusion.ts";
import { chartsOf } from "../report/curves.ts";
import { breakable, escapeHtml, html, raw, scriptJson, withOptions } from "../report/html.ts";
import { MAP_SIDE, mapOf } from "../report/map.ts";
import { endText } from "../report/run.ts";
import { shownOf } from "../report/row_values.ts";
import { inFolder, run } from "./command_line.ts";

Deno.test("what is filled into a template is text, in elements, attributes and scripts", () => {
  const evil = `<script>alert("&'")</script>\u0000`;
  const safe = "&lt;script&gt;alert(&quot;&amp;&#39;&quot;)&lt;/script&gt;";
  assertEquals(escapeHtml(evil), safe);
  const nothing = [undefined, false] as const;
  assertEquals(
    html`<p title="${evil}">${[evil, 7, ...nothing]}${raw("<b>")}</p>`.toString(),
    `<p title="${safe}">${safe}7<b></p>`,
  );
  const json = scriptJson({ evil, line: "\u2028" }).toString();
  assertEquals(/[<>&\u2028]/.test(json), false);
  assertEquals(JSON.parse(json), { evil, line: "\u2028" });
});

Deno.test("options stay whole, names break after their words, and nobody ends after itself", () => {
  assertEquals(
    withOptions("try more --pretrain-steps, not -5 < x").toString(),
    `try more <span class="whole">--pretrain-steps</span>, not -5 &lt; x`,
  );
  assertEquals(breakable("a_b=<c>").toString(), "a_<wbr>b=<wbr>&lt;c&gt;");
  assertEquals(endText("420 steps", 420), "420 steps");
  assertEquals(
    endText("the centres stopped moving", 1420),
    "the centres stopped moving, after 1,420 steps",
  );
});

Deno.test("axes of a drawing: whole decades, or a tenth more on both sides but not beyond 0", () => {
  const axisOf = (isLog: boolean, ...values: number[]) => {
    const chart = { id: "a", title: "a", note: "", phases: [], updates: [], isLog };
    const series = [{ name: "a", style: 0, values }];
    const svg = chartSvg({ ...chart, x: values.keys().toArray(), series }).toString();
    return [...svg.matchAll(/text-anchor="end">([^<]*)<\/text>\s*(?=<)/g)].map(([, text]) => text)
      .filter((text) => text !== "steps");
  };
  assertEquals(axisOf(true, 0.0016, 0.3), ["0.001", "0.01", "0.1", "1"]);
  assertEquals(axisOf(true, 2e-5, 3e-5), ["1e-5", "1e-4"]);
  assertEquals(axisOf(false, 0.45, 0.87), ["0.5", "0.6", "0.7", "0.8", "0.9"]);
  assertEquals(axisOf(false, 5, 4000), ["0", "1,000", "2,000", "3,000", "4,000"]);
});

Deno.test("curves count steps on from phase to phase; restarts and candidates are none", () => {
  const log: LogRow[] = [
    { phase: "pre-training", step: 10, reconstruction: 4 },
    { phase: "pre-training", step: 20, reconstruction: 2 },
    { phase: "start", step: 0, candidate: "k-means", cut: 1 },
    { phase: "em", step: 9, objective: 1 },
    { phase: "em", step: 5, objective: 2 },
    { phase: "clustering", step: 0, conflicted: 9, unconflicted: 1, acc: 0.5, update: false },
    {
      phase: "clustering",
      step: 7,
      code: 3,
      conflicted: 4,
      unconflicted: 6,
      acc: 0.75,
      update: true,
    },
  ];
  const [scores, states, losses, ...rest] = chartsOf(log);
  assertEquals(rest, []);
  assertEquals([scores.id, scores.x], ["scores", [20, 27]]);
  assertEquals(scores.series, [{ name: "ACC", style: 0, values: [0.5, 0.75] }]);
  assertEquals([states.updates, states.phases], [[27], [{ x: 20, name: "clustering" }]]);
  assertEquals(states.series.map(({ values }) => values), [[9, 4], [1, 6]]);
  assertEquals([losses.x, losses.isLog], [[10, 20, 27], true]);
  assertEquals(losses.phases, [{ x: 0, name: "pre-training" }, { x: 20, name: "clustering" }]);
  assertEquals(losses.series.map(({ name, values }) => [name, values]), [
    ["reconstruction", [4, 2, null]],
    ["code", [null, null, 3]],
  ]);
});

Deno.test("a raw 0 that was scaled in float32 is shown as 0, what is near it as it is", () => {
  const [mean, deviation] = [0.2857142857142857, 0.45175395145262565];
  const scaling = { kind: "standard", mean: [mean], deviation: [deviation] } as const;
  const shown = (raw: number) => shownOf(Math.fround((raw - mean) / deviation), 0, scaling);
  assertNotEquals(mean + Math.fround(-mean / deviation) * deviation, 0);
  assertEquals([0, 1, 1e-3, -0.123456].map(shown), [0, 1, 1e-3, -0.1235]);
});

Deno.test("the confusion matrix puts each cluster under its class, those without rows last", () => {
  const names = ["10", "10", "10", "9", "9", "x"];
  const { classes, clusters, matched, counts } = confusionOf(
    names,
    Uint32Array.of(3, 3, 1, 1, 1, 4),
    5,
  );
  assertEquals(classes, ["9", "10", "x"]);
  assertEquals(clusters, [1, 3, 4, 0, 2]);
  assertEquals([...matched].sort(), [[1, "9"], [3, "10"], [4, "x"]]);
  assertEquals(counts, [[2, 0, 0, 0, 0], [1, 2, 0, 0, 0], [0, 0, 1, 0, 0]]);
});

Deno.test("maps show two numbers as they are, lay more out, and of one or of NaN there is none", async () => {
  const backend = await openDevice({ device: "cpu", threads: 1 });
  const rowsOf = (codes: readonly number[], codeSize: number) => {
    const n = codes.length / codeSize;
    return { names: [], labels: new Uint32Array(n), codes, codeSize };
  };
  const all = Uint32Array.from({ length: 40 }, (_, i) => i);
  try {
    const plane = await mapOf(backend, rowsOf([0, 0, 2, 0, 0, 4], 2), Uint32Array.of(0, 1, 2), 0);
    assertEquals([...plane!.places], [250, MAP_SIDE, 750, MAP_SIDE, 250, 0]);
    // Two groups far apart, on curves of their own.
    const codes = Array.from({ length: 40 }, (_, i) => [i % 2 * 50, Math.sin(i), Math.cos(i)])
      .flat();
    const map = await mapOf(backend, rowsOf(codes, 3), all, 0);
    const again = await mapOf(backend, rowsOf(codes, 3), all, 0);
    assertEquals(map!.places, again!.places);
    const distance = (a: number, b: number) =>
      Math.hypot(...[0, 1].map((axis) => map!.places[2 * a + axis] - map!.places[2 * b + axis]));
    for (const i of all) {
      const nearest = [...all].filter((j) => j !== i).sort((a, b) =>
        distance(i, a) - distance(i, b)
      );
      assertEquals(nearest[0] % 2, i % 2, `row ${i}`);
    }
    assertEquals(await mapOf(backend, rowsOf([1, 2, 3], 1), Uint32Array.of(0, 1, 2), 0), undefined);
    const broken = rowsOf([0, 0, NaN, 1, 1, 1], 2);
    assertEquals(await mapOf(backend, broken, Uint32Array.of(0, 1, 2), 0), undefined);
  } finally {
    await backend.dispose();
  }
});

const EVIL = `<img src=x onerror=alert(1)>`;

/** blobs.csv with names that are markup. */
async function writeEvil(folder: string): Promise<void> {
  const [, ...lines] = (await Deno.readTextFile(`${folder}/blobs.csv`)).trim().split("\n");
  const table = [
    `id,${EVIL},b,"c ""q"" '",d,class`,
    ...lines.map((line, i) => `${EVIL}${i},${line.replace(/c(\d)$/, "</script><b>$1")}`),
  ];
  await Deno.writeTextFile(`${folder}/evil.csv`, table.join("\n"));
}

const DEVICE = ["--device", "cpu", "--threads", "1"];

Deno.test("train leaves a report whose numbers are the run's, whose data are text, which loads nothing", () =>
  inFolder(async (folder) => {
    await writeEvil(folder);
    const args = ["train", "--data", "evil.csv", "--id-column", "id", "--class-column", "class"];
    const model = ["--model", "idec", "--hidden", "8", "--latent", "3", "--pretrain-steps", "40"];
    const steps = ["--steps", "20", "--check-interval", "10", "--log-interval", "10"];
    const trained = await run([...args, ...model, ...steps, ...DEVICE, "--out", "r"], folder);
    assertEquals(trained.code, 0, trained.err);
    assertEquals(trained.err.includes("there is no report"), false);
    const page = await Deno.readTextFile(`${folder}/r/report.html`);
    const record = JSON.parse(await Deno.readTextFile(`${folder}/r/run.json`));

    assertEquals(page.includes(EVIL), false);
    assertStringIncludes(page, escapeHtml(EVIL));
    assertEquals(page.match(/<script/g)!.length, 3);
    assertEquals(page.match(/<\/script/g)!.length, 3);
    assertEquals([...page.matchAll(/\b(?:src|href)="(?!#|data:)[^"]*"/g)], []);
    assertEquals(/@import|url\(|fetch\(|XMLHttpRequest|WebSocket/.test(page), false);
    assertMatch(page, /Content-Security-Policy" content="default-src 'none';/);

    const { acc, nmi, ari, clusterSizes, warnings } = record.results;
    for (const score of [acc, nmi, ari]) assertStringIncludes(page, `<dd>${score.toFixed(4)}</dd>`);
    for (const text of warnings) assertStringIncludes(page, escapeHtml(text));
    const data = JSON.parse(page.match(/id="data">(.*?)<\/script>/s)![1]);
    const found = clusterSizes.map((_: number, k: number) =>
      data.map.label.filter((label: number) => label === k).length
    );
    assertEquals(found, clusterSizes);
    assertEquals(data.map.names[7], `${EVIL}7`);
    const [, line7] = (await Deno.readTextFile(`${folder}/evil.csv`)).match(/^<[^\n]*>7,(.*)$/m)!;
    const raw = line7.split(",").map(Number);
    assertEquals(data.map.columns, [EVIL, "b", `c "q" '`, "d"]);
    const count = data.map.columns.length;
    data.map.values.slice(7 * count, 8 * count).forEach((value: number, j: number) =>
      assertAlmostEquals(value, raw[j], 1e-3 * Math.abs(raw[j]))
    );
    assertEquals(data.charts.map(({ id }: { id: string }) => id), ["scores", "changes", "losses"]);
    const log = (await Deno.readTextFile(`${folder}/r/metrics.jsonl`)).trim().split("\n")
      .map((line) => JSON.parse(line)).filter((row) => row.acc !== undefined);
    assertEquals(data.charts[0].series[0].values, log.map((row) => row.acc));
    assertEquals(page.match(/<figure/g)!.length, page.match(/<details/g)!.length);
    const phases = record.times.map(({ phase }: { phase: string }) => phase);
    assertEquals(phases, ["pre-training", "clustering"]);
    for (const { phase, steps, kernels } of record.times) {
      const [, card] = page.split(`<h3>${phase}</h3>`);
      assertMatch(card, new RegExp(`^[^]*? ms a step, by ${steps} that were timed`));
      for (const { kernel } of kernels) {
        assertStringIncludes(
          card,
          `<th scope="row"><span>${kernel.replaceAll("_", "_<wbr>")}</span></th>`,
        );
      }
    }

    const again = await run(["report", "r", ...DEVICE, "-o", "again.html"], folder);
    assertEquals([again.code, again.out], [0, "again.html\n"], again.err);
    assertEquals(await Deno.readTextFile(`${folder}/again.html`), page);

    const line = page.match(/<pre[^>]*><code>(.*?)<\/code>/s)![1].replace(/<.*?>/g, "");
    const words = [...line.matchAll(/&#39;(.*?)&#39;|\S+/g)].map(([word, quoted]) =>
      quoted ?? word
    );
    const repeat = words.slice(words.indexOf("train"));
    const repeated = await run([...repeat, "--no-report", "--out", "repeated"], folder);
    assertEquals(repeated.code, 0, repeated.err);
    for (const file of ["labels.csv", "metrics.jsonl", "embedding.npy"]) {
      const bytes = (path: string) => Deno.readFile(`${folder}/${path}/${file}`);
      assertEquals(await bytes("repeated"), await bytes("r"), file);
    }
    const without = [...Deno.readDirSync(`${folder}/repeated`)].map(({ name }) => name);
    assertEquals(without.includes("report.html"), false);
  }));

Deno.test("several runs make one comparison; a report that fails is a warning, of no run an error", () =>
  inFolder(async (folder) => {
    const args = ["train", "--model", "kmeans", "--data", "blobs.csv", "--class-column", "last"];
    for (const [out, clusters] of [["a", "3"], ["b", "2"]]) {
      const more = ["--clusters", clusters, "--no-report", ...DEVICE, "--out", out];
      assertEquals((await run([...args, ...more], folder)).code, 0);
    }
    const compared = await run(["report", "a", "b", "-o", "c.html"], folder);
    assertEquals([compared.code, compared.out], [0, "c.html\n"], compared.err);
    const page = await Deno.readTextFile(`${folder}/c.html`);
    const { results } = JSON.parse(await Deno.readTextFile(`${folder}/a/run.json`));
    assertStringIncludes(page, results.acc.toFixed(4));
    assertMatch(
      page,
      /<th scope="row">--clusters<\/th><td>–<\/td><td>2<\/td>|<td>3<\/td><td>2<\/td>/,
    );
    assertStringIncludes(page, "<caption><span>How the runs ended</span>");
    // Scores on other rows stand in a table of their own.
    const other = ["train", "--model", "kmeans", "--data", "rows.csv", "--clusters", "3"];
    const few = ["--limit", "120", "--no-report", ...DEVICE, "--out", "o"];
    assertEquals((await run([...other, ...few], folder)).code, 0);
    assertEquals((await run(["report", "a", "o", "b", "-o", "d.html"], folder)).code, 0);
    const apart = await Deno.readTextFile(`${folder}/d.html`);
    const tables = Array.from(
      apart.matchAll(/<caption><span>How the runs ended on data (.*?)<\/span>/g),
    );
    assertEquals(tables.map(([, title]) => title.split(" of ")[0]), [
      "1, blobs.csv",
      "2, rows.csv",
    ]);
    assertEquals(apart.includes("How the runs ended</span>"), false);
    const own = await run(["report", "a", ...DEVICE], folder);
    assertEquals([own.code, own.out], [0, "a/report.html\n"], own.err);

    const denied = await run([...args, ...DEVICE, "--out", "d"], folder, {
      permissions: "--allow-all",
      write: `--deny-write=${folder}/d/report.html`,
    });
    assertEquals(denied.code, 0, denied.err);
    assertStringIncludes(denied.err, "warning: there is no report: ");
    assertEquals(JSON.parse(await Deno.readTextFile(`${folder}/d/run.json`)).status, "finished");

    const record = JSON.parse(await Deno.readTextFile(`${folder}/a/run.json`));
    await Deno.mkdir(`${folder}/e`);
    await Deno.writeTextFile(
      `${folder}/e/run.json`,
      JSON.stringify({ ...record, status: "running", results: undefined }),
    );
    const unfinished = await run(["report", "e"], folder);
    assertEquals(unfinished.code, 2);
    assertStringIncludes(unfinished.err, "e is not finished; finish it by");
  }));
