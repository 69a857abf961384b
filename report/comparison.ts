/** The comparison of several runs: a page that stands on its own. */
import { formatCount, formatNumber } from "../engine/inspect/text.ts";
import { adjustedRandIndex } from "../models/evaluation/metrics.ts";
import { chartFigure } from "./chart_svg.ts";
import { type Chart, chartsOf, STYLES } from "./curves.ts";
import { type Html, html, table } from "./html.ts";
import { page, section } from "./page.ts";
import type { ReportedRun } from "./run.ts";
import { commandBlock, warningList } from "./run_report.ts";

/** @param runs Two or more, finished. @returns HTML with everything in it. */
export async function comparisonReport(runs: readonly ReportedRun[]): Promise<string> {
  const named = withNames(runs);
  const charts = overlaid(named);
  return await page({
    title: `${runs.length} runs beside each other`,
    sections: [
      section("runs", "Runs", [...results(named), differences(named)]),
      section("training", "Training", charts.length > 0 ? charts.map(chartFigure) : undefined),
      section("agreement", "Agreement", agreement(named)),
      section(
        "each",
        "Run by run",
        html`<div class="cards">${
          named.map((run) =>
            html`<section class="card"><h3>${run.name}</h3>${warningList(run.warnings)}${
              commandBlock(run.command)
            }</section>\n`
          )
        }</div>`,
      ),
    ],
    data: { charts },
    colours: 0,
  });
}

/** Runs whose folders have the same name get a number. */
function withNames(runs: readonly ReportedRun[]): ReportedRun[] {
  return runs.map((run, i) => {
    const isUnique = runs.every((other, j) => i === j || other.name !== run.name);
    return isUnique ? run : { ...run, name: `${run.name} (${i + 1})` };
  });
}

/** A table for each data set: scores on different rows do not rank. */
function results(runs: readonly ReportedRun[]): Html[] {
  const digests = [...new Set(runs.map(({ digest }) => digest))];
  return digests.map((digest, i) => {
    const own = runs.filter((run) => run.digest === digest);
    const isOnly = digests.length === 1;
    const of = isOnly
      ? ""
      : ` on data ${i + 1}, ${own[0].data} of ${formatCount(own[0].rows.labels.length)} rows`;
    return resultsOf(`How the runs ended${of}`, own);
  });
}

function resultsOf(title: string, runs: readonly ReportedRun[]): Html {
  const titles = [...new Set(runs.flatMap(({ criteria }) => criteria.map(([title]) => title)))];
  const isScored = runs.some(({ scores }) => scores.length > 0);
  return table(
    title,
    [
      ...["run", "method", "seed", "clusters"],
      ...isScored ? ["ACC", "NMI", "ARI"] : [],
      ...titles,
      ...["largest cluster", "time, s", "warnings"],
    ],
    runs.map(({ name, model, seed, clusterSizes, scores, criteria, rows, seconds, warnings }) => {
      const own = scores.at(-1)?.[1];
      const scored = own === undefined
        ? ["–", "–", "–"]
        : [own.acc, own.nmi, own.ari].map((score) => score.toFixed(4));
      const found = new Map(criteria);
      const largest = 100 * Math.max(...clusterSizes) / rows.labels.length;
      return [
        ...[name, model, String(seed), String(clusterSizes.length)],
        ...isScored ? scored : [],
        ...titles.map((title) => found.get(title) ?? "–"),
        ...[`${largest.toFixed(1)} %`, formatNumber(seconds), String(warnings.length)],
      ];
    }),
  );
}

/** The options in which the runs differ. */
function differences(runs: readonly ReportedRun[]): Html | undefined {
  const names = [...new Set(runs.flatMap(({ options }) => Object.keys(options)))]
    .filter((name) => runs.some(({ options }) => options[name] !== runs[0].options[name]));
  if (names.length === 0) return undefined;
  return table(
    "Options in which the runs differ; –: as the profile of the run has it",
    ["option", ...runs.map(({ name }) => name)],
    names.map((name) => [name, ...runs.map(({ options }) => options[name] ?? "–")]),
  );
}

/** Agreement of the labels, of runs of the same rows. */
function agreement(runs: readonly ReportedRun[]): Html | undefined {
  if (runs.some(({ digest }) => digest !== runs[0].digest)) return undefined;
  return table(
    "Adjusted Rand index of the labels of two runs: 1 where they are the same partition",
    ["run", ...runs.map(({ name }) => name)],
    runs.map((a) => [
      a.name,
      ...runs.map((b) =>
        a === b ? "1" : adjustedRandIndex(a.rows.labels, b.rows.labels).toFixed(3)
      ),
    ]),
  );
}

const COUNTS: Readonly<Record<string, string>> = {
  conflicted: "Conflicted rows",
  unconflicted: "Unconflicted rows",
};

/** Accuracy, and the conflicted rows and losses of two runs and more, each over its own steps. */
function overlaid(runs: readonly ReportedRun[]): Chart[] {
  const charts = runs.map(({ log }) => chartsOf(log));
  const losses = new Set(
    charts.flat().filter(({ id }) => id === "losses").flatMap(({ series }) =>
      series.map(({ name }) => name)
    ),
  );
  const isOnly = runs.every(({ digest }) => digest === runs[0].digest);
  const isSame = runs.every(({ model }) => model === runs[0].model);
  const wanted = ["ACC", "conflicted", "unconflicted", ...losses];
  return wanted.flatMap((name, place) => {
    const found = charts.flatMap((own, i) =>
      own.flatMap(({ x, series }) =>
        series.filter((one) => one.name === name).map(({ values }) => ({
          name: runs[i].name,
          style: i % STYLES,
          at: new Map(x.map((step, j) => [step, values[j]])),
        }))
      )
    );
    if (found.length < (name === "ACC" ? 1 : 2)) return [];
    const values = found.flatMap(({ at }) => [...at.values()].filter((value) => value !== null));
    const isLog = losses.has(name) && values.every((value) => value > 0);
    const x = [...new Set(found.flatMap(({ at }) => [...at.keys()]))].sort((a, b) => a - b);
    return [{
      id: `overlaid${place}`,
      title: losses.has(name) ? `Loss: ${name}` : COUNTS[name] ?? name,
      note: [
        "Steps count on through all phases of a run.",
        ...isOnly ? [] : ["The runs are of different data."],
        ...losses.has(name) && !isSame
          ? ["Two methods may give one name to different losses."]
          : [],
        ...isLog ? ["The axis is logarithmic."] : [],
      ].join(" "),
      x,
      series: found.map(({ at, ...own }) => ({
        ...own,
        values: x.map((step) => at.get(step) ?? null),
      })),
      phases: [],
      updates: [],
      isLog,
    }];
  });
}
