/** Pictures as SVG: lines over steps, and points in panels. */
import { escapeHtml } from "../../report/html.ts";

/** A line of a chart. */
export interface Series {
  /** What the legend calls it. */
  readonly name: string;
  /** In the order of x. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Places on the x axis that are marked on the line. */
  readonly marks?: readonly number[];
}

/** What stands around a picture. */
export interface Captions {
  /** Above. */
  readonly title: string;
  /** Below. */
  readonly note: string;
}

/** Colours that people with any colour vision tell apart (Okabe and Ito), the first for the first line. */
const COLOURS = [
  ...["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"],
  ...["#7a5195", "#8c564b"],
];

const FONT = 'font-family="sans-serif" font-size="13"';

/** The colour of the i-th line or cluster; there are ten. */
export function colour(i: number): string {
  return COLOURS[i % COLOURS.length];
}

/** Round numbers that cover a range, four to ten of them. */
export function ticksOf(low: number, high: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  return Array.from(
    { length: last - first + 1 },
    (_, i) => Number(((first + i) * step).toPrecision(12)),
  );
}

/** Lines over a common x axis, a legend beside them, marks as dots. */
export function lineChart(
  series: readonly Series[],
  { title, note, x, y }: Captions & { readonly x: string; readonly y: string },
): string {
  const [width, height, left, top, right, bottom] = [860, 460, 70, 44, 250, 76];
  const points = series.flatMap(({ points }) => points);
  if (points.length === 0) throw new RangeError(`${title}: there is nothing to draw`);
  const xs = ticksOf(...extentOf(points.map(([x]) => x)));
  const ys = ticksOf(...extentOf(points.map(([, y]) => y)));
  const place = (value: number, ticks: readonly number[], from: number, to: number) => {
    const [low, high] = [ticks[0], ticks.at(-1)!];
    return (from + (high > low ? (value - low) / (high - low) : 0.5) * (to - from)).toFixed(1);
  };
  const atX = (value: number) => place(value, xs, left, width - right);
  const atY = (value: number) => place(value, ys, height - bottom, top);
  const grid = [
    ...xs.map((tick) =>
      `<line x1="${atX(tick)}" x2="${atX(tick)}" y1="${top}" y2="${height - bottom}" ` +
      `stroke="#ddd"/>` +
      label(atX(tick), height - bottom + 18, String(tick), "middle")
    ),
    ...ys.map((tick) =>
      `<line x1="${left}" x2="${width - right}" y1="${atY(tick)}" y2="${atY(tick)}" ` +
      `stroke="#ddd"/>` +
      label(left - 8, Number(atY(tick)) + 4, String(tick), "end")
    ),
  ];
  const lines = series.map(({ points, marks = [] }, i) => {
    const path = points.map(([x, y]) => `${atX(x)},${atY(y)}`).join(" ");
    const dots = points.filter(([x]) => marks.includes(x) || points.length === 1)
      .map(([x, y]) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="5" fill="${colour(i)}"/>`);
    return `<polyline points="${path}" fill="none" stroke="${colour(i)}" stroke-width="2"/>` +
      dots.join("");
  });
  const names = series.map(({ name }, i) => {
    const at = top + 8 + 20 * i;
    return `<rect x="${width - right + 16}" y="${at - 6}" width="18" height="4" ` +
      `fill="${colour(i)}"/>` + label(width - right + 42, at, name, "start");
  });
  const middle = (left + width - right) / 2;
  return svg(width, Math.max(height, top + 20 * series.length + bottom), [
    ...grid,
    ...lines,
    ...names,
    label(middle, 24, title, "middle"),
    label(middle, height - bottom + 40, x, "middle"),
    `<text x="18" y="${(top + height - bottom) / 2}" text-anchor="middle" ` +
    `transform="rotate(-90 18 ${(top + height - bottom) / 2})">${escapeHtml(y)}</text>`,
    label(left, height - 12, note, "start"),
  ]);
}

/** Points of one panel. */
export interface Panel {
  /** Above it. */
  readonly title: string;
  /** [n, 2] row-major. */
  readonly points: Float64Array;
  /** [n] colours of the points, by number. */
  readonly groups: ArrayLike<number>;
  /** [k, 2] row-major: places that are marked by crosses. */
  readonly crosses?: Float64Array;
}

/** Most panels side by side. */
const PANELS_IN_A_ROW = 4;

/** Panels of points, all on the same scale; where they are many, in rows of equal length. */
export function scatterPanels(panels: readonly Panel[], { title, note }: Captions): string {
  const [side, gap, top, bottom, under] = [260, 16, 64, 40, 38];
  const rows = Math.ceil(panels.length / PANELS_IN_A_ROW);
  const columns = Math.ceil(panels.length / rows);
  const all = panels.flatMap(({ points, crosses = [] }) => [...points, ...crosses]);
  const [x0, x1] = extentOf(all.filter((_, i) => i % 2 === 0));
  const [y0, y1] = extentOf(all.filter((_, i) => i % 2 === 1));
  const unit = Math.max(x1 - x0, y1 - y0) || 1;
  const [left0, bottom0] = [(x0 + x1 - unit) / 2, (y0 + y1 - unit) / 2];
  const width = Math.max(columns * (side + gap) + gap, 620);
  const parts = panels.flatMap(({ title, points, groups, crosses = new Float64Array() }, i) => {
    const left = gap + (i % columns) * (side + gap);
    const above = top + Math.floor(i / columns) * (side + under);
    const placesOf = (points: Float64Array) =>
      Array.from({ length: points.length / 2 }, (_, row) => [
        (left + 6 + (points[2 * row] - left0) / unit * (side - 12)).toFixed(1),
        (above + side - 6 - (points[2 * row + 1] - bottom0) / unit * (side - 12)).toFixed(1),
      ]);
    const dots = placesOf(points).map(([x, y], row) =>
      `<circle cx="${x}" cy="${y}" r="1.6" fill="${colour(groups[row])}" fill-opacity="0.6"/>`
    );
    const marks = placesOf(crosses).map(([x, y]) =>
      `<path d="M${x} ${y}m-6 -6l12 12m0 -12l-12 12" stroke="black" stroke-width="2.5"/>`
    );
    const frame = `<rect x="${left}" y="${above}" width="${side}" height="${side}" fill="none" ` +
      `stroke="#888"/>`;
    return [frame, label(left + side / 2, above - 8, title, "middle"), ...dots, ...marks];
  });
  const height = top + rows * (side + under) - under;
  return svg(width, height + bottom, [
    label(width / 2, 26, title, "middle"),
    ...parts,
    label(gap, height + 26, note, "start"),
  ]);
}

/** A PNG under its title and above its note. */
export function framedImage(png: Uint8Array, { title, note }: Captions): string {
  const header = new DataView(png.buffer, png.byteOffset);
  const base64 = btoa(Array.from(png, (byte) => String.fromCharCode(byte)).join(""));
  const [width, height] = [header.getUint32(16), header.getUint32(20)];
  const [margin, top] = [16, 44];
  const full = Math.max(width + 2 * margin, 640);
  return svg(full, top + height + 44, [
    label(full / 2, 26, title, "middle"),
    `<image x="${margin}" y="${top}" width="${width}" height="${height}" ` +
    `href="data:image/png;base64,${base64}"/>`,
    label(margin, top + height + 26, note, "start"),
  ]);
}

function extentOf(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

/** A line of text. @param y Of its base line. @param anchor `start`, `middle` or `end`. */
export function label(x: number | string, y: number, text: string, anchor: string): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${escapeHtml(text)}</text>`;
}

/** The picture, on white. */
export function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" ${FONT}>\n` +
    `<rect width="${width}" height="${height}" fill="white"/>\n${parts.join("\n")}\n</svg>\n`;
}
