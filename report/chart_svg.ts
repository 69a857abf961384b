/** Charts as SVG, for paper and for pages without scripts. */
import { formatNumber } from "../engine/inspect/text.ts";
import type { Chart } from "./curves.ts";
import { behind, type Html, html, table } from "./html.ts";

const WIDTH = 720;
const HEIGHT = 260;
/** About the width of a letter. */
const LETTER = 6;
const MARGIN = { left: 64, right: 24, top: 22, bottom: 34 };

/** The chart with its picture, legend and table. */
export function chartFigure(chart: Chart): Html {
  const { id, title, note, x, series } = chart;
  const rows = x.map((step, i) => [
    step.toLocaleString("en-US"),
    ...series.map(({ values }) => values[i] === null ? "–" : formatNumber(values[i])),
  ]);
  return html`<figure class="chart" id="chart-${id}">
<figcaption><h3>${title}</h3><p>${note}</p></figcaption>
<div class="plot" data-chart="${id}"></div>
<div class="static">${chartSvg(chart)}${legend(chart)}</div>
${
    behind(
      table(
        `${title}, by steps since the start`,
        ["step", ...series.map(({ name }) => name)],
        rows,
      ),
    )
  }
</figure>`;
}

function legend({ series }: Chart): Html {
  return html`<ul class="legend" aria-hidden="true">${
    series.map(({ name, style }) =>
      html`<li><svg viewBox="0 0 24 8" width="24" height="8"><path class="curve s${style}" d="M0 4H24"/></svg> ${name}</li>`
    )
  }</ul>`;
}

/** The curves as a drawing, whose colours are the page's. */
export function chartSvg({ title, x, series, phases, updates, isLog }: Chart): Html {
  const values = series.flatMap((one) => one.values.filter((value) => value !== null));
  const shown = (value: number) => isLog ? Math.log10(value) : value;
  const bounds = values.map(shown);
  const [low, high] = (isLog ? decades : padded)(Math.min(...bounds), Math.max(...bounds));
  const last = x.at(-1)!;
  const px = (at: number) =>
    round(MARGIN.left + (at - x[0]) / (last - x[0] || 1) * (WIDTH - MARGIN.left - MARGIN.right));
  const py = (value: number) =>
    round(
      HEIGHT - MARGIN.bottom -
        (value - low) / (high - low) * (HEIGHT - MARGIN.top - MARGIN.bottom),
    );
  const rows = ticks(low, high, isLog ? Math.min(5, high - low) : 5);
  const columns = ticks(x[0], last, 6);
  const names = series.map(({ name }) => name).join(", ");
  return html`
    <svg class="drawing" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"
      aria-label="${title}: ${names}">
    ${rows.map((value) =>
      html`
        <path class="grid" d="M${MARGIN.left} ${py(value)}H${WIDTH - MARGIN.right}" />
        <text x="${MARGIN.left - 6}" y="${py(value) + 4}" text-anchor="end">${tickText(
          isLog ? 10 ** value : value,
        )}</text>
      `
    )}
    ${columns.map((at) =>
      html`<text x="${px(at)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${
        at.toLocaleString("en-US")
      }</text>`
    )}
    <text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 4}" text-anchor="end">steps</text>
    ${phases.map(({ x: at, name }) =>
      html`
        <path class="phase" d="M${px(Math.max(at, x[0]))} ${MARGIN.top}V${HEIGHT -
          MARGIN.bottom}" />
        <text x="${Math.min(
          px(Math.max(at, x[0])) + 4,
          WIDTH - LETTER * name.length,
        )}" y="${MARGIN.top - 6}">${name}</text>
      `
    )}
    ${updates.map((at) =>
      html`
        <path class="update" d="M${px(at)} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}" />
      `
    )}
    ${series.map(({ values, style }) =>
      html`
        <path class="curve s${style}" d="${pathOf(x, values, (at, value) =>
          `${px(at)} ${py(shown(value))}`)}" />
      `
    )}
    </svg>
  `;
}

/** Lines between neighbouring values; a value between gaps is a dot. */
function pathOf(
  x: readonly number[],
  values: readonly (number | null)[],
  place: (x: number, value: number) => string,
): string {
  const points = values.flatMap((value, i) => value === null ? [] : [place(x[i], value)]);
  return points.length === 1 ? `M${points[0]}h0` : `M${points.join("L")}`;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

/** A tenth more on both sides, but not beyond 0: what the page's script shows. */
function padded(low: number, high: number): [number, number] {
  const pad = (high - low || Math.abs(high) || 1) * 0.1;
  const isBeyond = (bound: number, moved: number) => bound * moved <= 0;
  return [isBeyond(low, low - pad) ? 0 : low - pad, isBeyond(high, high + pad) ? 0 : high + pad];
}

/** Whole powers of ten, at least one apart. */
function decades(low: number, high: number): [number, number] {
  const bottom = Math.floor(low);
  return [bottom, Math.max(Math.ceil(high), bottom + 1)];
}

function tickText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e7)
    ? Number(value.toPrecision(3)).toExponential()
    : value.toLocaleString("en-US", { maximumSignificantDigits: 6 });
}

/** About `count` round numbers within the bounds. */
function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  // A little finer than asked for is nearer than twice as coarse.
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= 0.7 * rough)!;
  const found: number[] = [];
  for (let at = Math.ceil(low / step); at * step <= high; at++) found.push(at * step);
  return found;
}
