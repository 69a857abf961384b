/** The report of one run: a page that stands on its own. */
import { chartFigure } from "./chart_svg.ts";
import { centroidStrip, clusterCards, sizesTable } from "./cluster_section.ts";
import { confusionOf, confusionTable } from "./confusion.ts";
import { CRITERIA_NOTE } from "./criteria.ts";
import { chartsOf } from "./curves.ts";
import { type Html, html, table, withOptions } from "./html.ts";
import { mapData, mapSection } from "./map_section.ts";
import { page, section } from "./page.ts";
import { timeFigures } from "./time_section.ts";
import type { ReportedRun, RunDetails } from "./run.ts";

/** @returns HTML with everything in it: no link leads anywhere else. */
export async function runReport(run: ReportedRun, details: RunDetails): Promise<string> {
  const { rows, clusterSizes, scores, criteria } = run;
  const confusion = rows.classes && confusionOf(rows.classes, rows.labels, clusterSizes.length);
  const charts = chartsOf(run.log);
  const sections = [
    section("summary", "Summary", summary(run)),
    section("map", "Map", details.map && mapSection(run, details.map)),
    section("training", "Training", charts.length > 0 ? charts.map(chartFigure) : undefined),
    section("scores", "Scores", [
      scores.length > 0 && table(
        "Agreement with the classes, which training has not seen: accuracy by the best matching of " +
          "clusters to classes (ACC), normalised mutual information, adjusted Rand index; 1 is best",
        ["partition", "ACC", "NMI", "ARI"],
        scores.map((
          [name, { acc, nmi, ari }],
        ) => [name, ...[acc, nmi, ari].map((x) => x.toFixed(4))]),
      ),
      criteria.length > 0 && [
        table("What the clusters are like without classes", ["criterion", "value"], criteria),
        html`<p class="fine">${CRITERIA_NOTE}</p>`,
      ],
    ]),
    section("confusion", "Classes and clusters", confusion && confusionTable(confusion)),
    section("clusters", "Clusters", [
      details.centroids !== undefined && centroidStrip(details.centroids, clusterSizes.length),
      sizesTable(run, details, confusion?.matched),
      clusterCards(run, details, confusion?.matched),
    ]),
    section("time", "Time per kernel", run.times.length > 0 && timeFigures(run)),
  ];
  return await page({
    title: `${run.model}: ${run.name}`,
    sections,
    data: { charts, map: mapData(run, details) },
    colours: Math.max(clusterSizes.length, confusion?.classes.length ?? 0),
  });
}

function summary({ warnings, facts, command, scores, clusterSizes }: ReportedRun): Html {
  const own = scores.at(-1)?.[1];
  return html`${
    own &&
    html`<dl class="figures">${
      ([["ACC", own.acc], ["NMI", own.nmi], ["ARI", own.ari]] as const).map(([name, value]) =>
        html`
          <div>
            <dt>${name}</dt>
            <dd>${value.toFixed(4)}</dd>
          </div>
        `
      )
    }<div><dt>clusters</dt><dd>${clusterSizes.length}</dd></div></dl>`
  }
${warningList(warnings)}
<dl class="facts">${
    facts.map(([name, text]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${withOptions(text)}</dd>
        </div>
      `
    )
  }</dl>
${commandBlock(command)}`;
}

/** What looks wrong, with what may help. */
export function warningList(warnings: readonly string[]): Html {
  if (warnings.length === 0) return html`<p class="fine">No warnings.</p>`;
  return html`
    <div class="warnings" role="note" aria-label="Warnings">
      <h3>${warnings.length === 1 ? "A warning" : `${warnings.length} warnings`}</h3>
      <ul>${warnings.map((text) => html`<li>${withOptions(text)}</li>`)}</ul>
    </div>
  `;
}

/** The command that repeats a run, to copy. */
export function commandBlock(command: string): Html {
  return html`
    <div class="command">
      <h3>The command that repeats it</h3>
      <pre tabindex="0"><code>${command.split(/ (?=-)/).map((words, i) =>
        html`${i > 0 && " "}<span>${words}</span>`
      )}</code></pre>
    </div>
  `;
}
