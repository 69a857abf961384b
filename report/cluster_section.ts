/** Cluster by cluster: sizes, and a card each. */
import { formatCount, formatNumber } from "../engine/inspect/text.ts";
import type { ClusterReport } from "./clusters.ts";
import { bar, breakable, type Html, html, table } from "./html.ts";
import type { ReportedRun, RunDetails } from "./run.ts";

/** A share for people. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}

/** The table of sizes: a bar each, and how sure the rows are. */
export function sizesTable(
  { rows, clusterSizes }: ReportedRun,
  { clusters }: RunDetails,
  matched: ReadonlyMap<number, string> | undefined,
): Html {
  const largest = Math.max(...clusterSizes);
  const means = meansOf(rows.values, rows.labels, clusterSizes);
  const header = [
    "cluster",
    ...matched ? ["matched class"] : [],
    "rows",
    "share",
    ...means ? [`mean ${rows.certainty}`] : [],
  ];
  return table(
    "Clusters and their sizes",
    header,
    clusters.map(({ cluster, size, share }) => [
      nameOf(cluster, size),
      ...matched ? [matched.get(cluster) ?? "–"] : [],
      bar(size / largest, formatCount(size)),
      percent(share),
      ...means ? [size === 0 ? "–" : means[cluster].toFixed(3)] : [],
    ]),
  );
}

/** The centroids side by side, each above its number. @param url Of their picture. */
export function centroidStrip(url: string, count: number): Html {
  return html`
    <figure>
      <figcaption>
        <p>The centroids of the clusters, as the decoder draws them.</p>
      </figcaption>
      <div class="scroll" tabindex="0" role="region" aria-label="Centroids">
        <div class="centroids" style="--count:${count}">
          <img src="${url}" alt="Clusters 0 to ${count - 1}, as the decoder draws their centroids">
          ${Array.from({ length: count }, (_, cluster) => html`<span>${cluster}</span>`)}
        </div>
      </div>
    </figure>
  `;
}

/** A cluster's number by its colour, which leads to its card. */
function nameOf(cluster: number, size: number): Html {
  const name = html`<span class="swatch" data-cluster="${cluster}"></span>${cluster}`;
  return size === 0 ? name : html`<a href="#cluster-${cluster}">${name}</a>`;
}

function meansOf(
  values: Float64Array | undefined,
  labels: Uint32Array,
  sizes: readonly number[],
): number[] | undefined {
  if (values === undefined) return undefined;
  const sums = sizes.map(() => 0);
  labels.forEach((label, i) => sums[label] += values[i]);
  return sums.map((sum, cluster) => sum / sizes[cluster]);
}

/** What there is to see of each cluster that has rows. */
export function clusterCards(
  run: ReportedRun,
  details: RunDetails,
  matched: ReadonlyMap<number, string> | undefined,
): Html {
  return html`<p class="fine">Rows are named by the id column, or else counted from 0.</p>
<div class="cards">${
    details.clusters.filter(({ size }) => size > 0).map((cluster) =>
      card(cluster, run, details, matched?.get(cluster.cluster))
    )
  }</div>`;
}

function card(
  { cluster, size, share, classes, columns }: ClusterReport,
  { rows }: ReportedRun,
  details: RunDetails,
  matched: string | undefined,
): Html {
  const { certainty, values } = rows;
  const doubtful = details.doubtful?.[cluster] ?? [];
  const list = (title: string, own: readonly number[], noteOf?: (row: number) => string) =>
    own.length > 0 && html`
      <h4>${title}</h4>
      <ul class="rows">${own.map((row) =>
        rowItem(row, rows.names[row], rows.classes?.[row], details.pictures, noteOf?.(row))
      )}</ul>
    `;
  return html`<section class="card" id="cluster-${cluster}" aria-labelledby="cluster-${cluster}-title">
<h3 id="cluster-${cluster}-title"><span class="swatch" data-cluster="${cluster}"></span>Cluster ${cluster}</h3>
<p>${formatCount(size)} rows, ${percent(share)}${
    matched !== undefined && html`; matched class <b>${matched}</b>`
  }${
    classes !== undefined && classes.length > 0 &&
    html`; classes ${classes.map((one) => `${one.name}\u00a0(${percent(one.share)})`).join(", ")}`
  }</p>
${list("Exemplars: nearest to the mean code", details.exemplars[cluster])}
${list(`Least sure, by ${certainty}`, doubtful, (row) => values![row].toFixed(3))}
${
    columns !== undefined && columns.length > 0 &&
    table(
      "What tells it from the others: means, and their difference in standard deviations",
      ["column", "mean", "elsewhere", "difference"],
      columns.map(({ name, mean, others, difference }) => [
        breakable(name),
        ...together(mean, others),
        `${difference < 0 ? "−" : "+"}${Math.abs(difference).toFixed(2)}`,
      ]),
    )
  }</section>\n`;
}

/** Two values with as many digits as the larger one calls for: rounding has left 1e-8 where 0 was. */
function together(a: number, b: number): [string, string] {
  const size = Math.max(Math.abs(a), Math.abs(b));
  const digits = size === 0 ? 0 : Math.min(Math.max(3 - Math.floor(Math.log10(size)), 0), 100);
  const exact = [a, b].map((value) => Number(value.toFixed(digits)));
  if (size > 0 && (size < 1e-3 || size >= 1e7)) {
    const [first, second] = exact.map((value) => formatNumber(value).replaceAll("-", "−"));
    return [first, second];
  }
  const needed = Math.max(...exact.map((value) => String(value).split(".")[1]?.length ?? 0));
  const [first, second] = exact.map((value) => value.toFixed(needed).replace("-", "−"));
  return [first, second];
}

/** A row by its image, where it has one, and its name. */
function rowItem(
  row: number,
  name: string,
  className: string | undefined,
  pictures: ReadonlyMap<number, string> | undefined,
  note: string | undefined,
): Html {
  const url = pictures?.get(row);
  const words = className === undefined ? `row ${name}` : `row ${name}, class ${className}`;
  return html`<li>${
    url !== undefined && html`<img src="${url}" alt="${words}">`
  }<span>${name}</span>${note !== undefined && html`<small>${note}</small>`}</li>`;
}
