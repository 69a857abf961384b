/** The map of a run as SVG, and what the page's script draws it by. */
import { formatCount } from "../engine/inspect/text.ts";
import { behind, type Html, html, table } from "./html.ts";
import { MAP_SIDE, type RunMap } from "./map.ts";
import type { ReportedRun, RunDetails } from "./run.ts";

/** The map with its controls, its picture and its table. */
export function mapSection(run: ReportedRun, map: RunMap): Html {
  const { rows, clusterSizes } = run;
  const labels = Array.from(map.rows, (row) => rows.labels[row]);
  const middles = middlesOf(map, labels, clusterSizes.length);
  const all = map.rows.length === rows.labels.length
    ? `All ${formatCount(map.rows.length)} rows.`
    : `${formatCount(map.rows.length)} of ${
      formatCount(rows.labels.length)
    } rows, which the seed draws.`;
  return html`<figure class="map" id="map-figure"><figcaption><p>${map.how}. ${all}</p></figcaption>
<div class="controls" hidden>
${
    rows.classes &&
    html`<label>Colour by <select id="map-colour"><option value="label">cluster</option>
<option value="cls">class</option></select></label>`
  }
<label>Show <select id="map-filter"><option value="">all clusters</option>${
    clusterSizes.map((size, cluster) =>
      size > 0 && html`<option value="${cluster}">cluster ${cluster}</option>`
    )
  }</select></label></div>
<div class="frame"><div class="static">${mapSvg(map, labels, middles)}</div>
<canvas id="map-canvas" hidden tabindex="0" role="application" aria-label="Map of the rows. Arrow keys go from row to row, Escape leaves the row."></canvas></div>
<div id="map-row" class="row-shown" role="status" hidden><p>Point at a row, tap it, or focus the map and use the arrow keys.</p></div>
${
    behind(
      table(
        "Clusters on the map",
        ["cluster", "rows on the map", "nearest cluster there"],
        nearestRows(middles, labels),
      ),
    )
  }
</figure>`;
}

/** What the script needs to draw the map and to say what a point is. */
export function mapData(
  { rows }: ReportedRun,
  { map, sheet, values }: RunDetails,
): Record<string, unknown> | undefined {
  if (map === undefined) return undefined;
  const pick = <T>(of: (row: number) => T) => Array.from(map.rows, of);
  const classes = rows.classes && [...new Set(rows.classes)]
    .sort(new Intl.Collator("en", { numeric: true }).compare);
  const places = new Map(classes?.map((name, i) => [name, i]));
  return {
    side: MAP_SIDE,
    places: Array.from(map.places),
    names: pick((row) => rows.names[row]),
    label: pick((row) => rows.labels[row]),
    ...classes && { classes, cls: pick((row) => places.get(rows.classes![row])) },
    ...rows.values && {
      certainty: rows.certainty,
      sure: pick((row) => Number(rows.values![row].toFixed(3))),
    },
    ...sheet && { sheet },
    ...values && { columns: values.columns, values: values.values },
  };
}

/** Points as round dots of one path for each cluster, and the clusters' numbers in their middles. */
function mapSvg(
  { places }: RunMap,
  labels: readonly number[],
  middles: readonly (readonly [number, number] | undefined)[],
): Html {
  const paths = middles.map(() => "");
  labels.forEach((label, i) => paths[label] += `M${places[2 * i]} ${places[2 * i + 1]}h0`);
  const box = `-20 -20 ${MAP_SIDE + 40} ${MAP_SIDE + 40}`;
  return html`
    <svg class="drawing" viewBox="${box}" role="img"
      aria-label="Map of the rows, coloured by cluster">
    ${paths.map((d, cluster) =>
      d !== "" && html`
        <path class="dots" data-cluster="${cluster}" d="${d}" />
      `
    )}
    ${middles.map((middle, cluster) =>
      middle && html`<text class="middle" x="${middle[0]}" y="${middle[1]}">${cluster}</text>`
    )}</svg>
  `;
}

/** Of each cluster, the place nearest to the medians of its places; undefined where it has no row there. */
function middlesOf(
  { places }: RunMap,
  labels: readonly number[],
  k: number,
): ([number, number] | undefined)[] {
  const own = Array.from({ length: k }, (): number[] => []);
  labels.forEach((label, i) => own[label].push(i));
  const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1];
  return own.map((points) => {
    if (points.length === 0) return undefined;
    const [x, y] = [0, 1].map((axis) => median(points.map((i) => places[2 * i + axis])));
    const distance = (i: number) => Math.hypot(places[2 * i] - x, places[2 * i + 1] - y);
    const middle = points.reduce((best, i) => distance(i) < distance(best) ? i : best);
    return [places[2 * middle], places[2 * middle + 1]];
  });
}

function nearestRows(
  middles: readonly (readonly [number, number] | undefined)[],
  labels: readonly number[],
): string[][] {
  return middles.flatMap((own, cluster) => {
    if (own === undefined) return [];
    const others = middles.flatMap((other, i) =>
      other === undefined || i === cluster
        ? []
        : [{ i, distance: Math.hypot(own[0] - other[0], own[1] - other[1]) }]
    ).sort((a, b) => a.distance - b.distance);
    const count = labels.filter((label) => label === cluster).length;
    return [[String(cluster), formatCount(count), others.length > 0 ? String(others[0].i) : "–"]];
  });
}
