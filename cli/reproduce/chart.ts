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
/** Width of a sign in the mean, where the viewer's font is a wide one. */
const SIGN = 8;
/** Between two base lines. */
const LINE = 18;
/** Left and right of a picture's texts. */
const MARGIN = 16;

/** The colour of the i-th line or cluster; there are ten. */
export function colour(i: number): string {
  return COLOURS[i % COLOURS.length];
}

/** Room for a text. */
export function widthOf(text: string): number {
  return Math.ceil(SIGN * text.length);
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
  return svg(width, Math.max(height - 28, top + 20 * series.length), [
    ...grid,
    ...lines,
    ...names,
    label(middle, 24, title, "middle"),
    label(middle, height - bottom + 40, x, "middle"),
    upright(18, (top + height - bottom) / 2, y),
  ], note);
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

/** What stands around panels. */
export interface PanelCaptions extends Captions {
  /** Of the axes, which all panels share. */
  readonly x: string;
  readonly y: string;
  /** What the colours stand for, by number; none where titles say it. */
  readonly groups?: readonly string[];
}

/** Panels of points, all on the same scale; where they are many, in rows of equal length. */
export function scatterPanels(
  panels: readonly Panel[],
  { title, note, x, y, groups: names = [] }: PanelCaptions,
): string {
  const [side, gap, first, top, under, inset] = [260, 16, 66, 64, 46, 6];
  const rows = Math.ceil(panels.length / PANELS_IN_A_ROW);
  const columns = Math.ceil(panels.length / rows);
  const all = panels.flatMap(({ points, crosses = [] }) => [...points, ...crosses]);
  const [x0, x1] = extentOf(all.filter((_, i) => i % 2 === 0));
  const [y0, y1] = extentOf(all.filter((_, i) => i % 2 === 1));
  const unit = Math.max(x1 - x0, y1 - y0) || 1;
  const [left0, bottom0] = [(x0 + x1 - unit) / 2, (y0 + y1 - unit) / 2];
  const width = Math.max(first + columns * (side + gap), 2 * MARGIN + widthOf(title));
  const parts = panels.flatMap(({ title, points, groups, crosses = new Float64Array() }, i) => {
    const left = first + (i % columns) * (side + gap);
    const above = top + Math.floor(i / columns) * (side + under);
    const atX = (x: number) => (left + inset + (x - left0) / unit * (side - 2 * inset)).toFixed(1);
    const atY = (y: number) =>
      (above + side - inset - (y - bottom0) / unit * (side - 2 * inset)).toFixed(1);
    const placesOf = (points: Float64Array) =>
      Array.from(
        { length: points.length / 2 },
        (_, row) => [atX(points[2 * row]), atY(points[2 * row + 1])],
      );
    const dots = placesOf(points).map(([x, y], row) =>
      `<circle cx="${x}" cy="${y}" r="1.6" fill="${colour(groups[row])}" fill-opacity="0.6"/>`
    );
    const marks = placesOf(crosses).map(([x, y]) =>
      `<path d="M${x} ${y}m-6 -6l12 12m0 -12l-12 12" stroke="black" stroke-width="2.5"/>`
    );
    const frame = `<rect x="${left}" y="${above}" width="${side}" height="${side}" fill="none" ` +
      `stroke="#888"/>`;
    const below = above + side;
    const ticks = [
      ...ticksWithin(left0, unit).flatMap((tick) => [
        `<line x1="${atX(tick)}" x2="${atX(tick)}" y1="${below}" y2="${below + 4}" stroke="#888"/>`,
        label(atX(tick), below + 16, String(tick), "middle"),
      ]),
      ...ticksWithin(bottom0, unit).flatMap((tick) => [
        `<line x1="${left - 4}" x2="${left}" y1="${atY(tick)}" y2="${atY(tick)}" stroke="#888"/>`,
        ...i % columns === 0 ? [label(left - 8, Number(atY(tick)) + 4, String(tick), "end")] : [],
      ]),
    ];
    return [frame, ...ticks, label(left + side / 2, above - 8, title, "middle"), ...dots, ...marks];
  });
  const bottom = top + rows * (side + under) - under;
  const legend = legendOf(names, first, bottom + 60, width - MARGIN);
  return svg(width, bottom + 46 + legend.height, [
    label(width / 2, 26, title, "middle"),
    label((first + first + columns * (side + gap) - gap) / 2, bottom + 36, x, "middle"),
    upright(18, (top + bottom) / 2, y),
    ...parts,
    ...legend.parts,
  ], note);
}

/** The round numbers of a range. */
function ticksWithin(low: number, length: number): number[] {
  return ticksOf(low, low + length).filter((tick) => tick >= low && tick <= low + length);
}

/** Names beside dots of their colours, in lines that end before `right`. */
function legendOf(
  names: readonly string[],
  left: number,
  top: number,
  right: number,
): { readonly parts: string[]; readonly height: number } {
  let [x, y] = [left, top];
  const parts = names.flatMap((name, i) => {
    const width = 28 + widthOf(name);
    if (x + width > right && x > left) [x, y] = [left, y + LINE];
    const part = `<circle cx="${x + 6}" cy="${y - 4}" r="5" fill="${colour(i)}"/>` +
      label(x + 16, y, name, "start");
    x += width;
    return part;
  });
  return { parts, height: names.length === 0 ? 0 : y - top + LINE + 6 };
}

/** A PNG under its title and above its note. */
export function framedImage(png: Uint8Array, { title, note }: Captions): string {
  const header = new DataView(png.buffer, png.byteOffset);
  const base64 = btoa(Array.from(png, (byte) => String.fromCharCode(byte)).join(""));
  const [width, height] = [header.getUint32(16), header.getUint32(20)];
  const top = 44;
  const full = 2 * MARGIN + Math.max(width, widthOf(title));
  return svg(full, top + height + 8, [
    label(full / 2, 26, title, "middle"),
    `<image x="${MARGIN}" y="${top}" width="${width}" height="${height}" ` +
    `href="data:image/png;base64,${base64}"/>`,
  ], note);
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

/** Text from below, centred. */
function upright(x: number, y: number, text: string): string {
  return `<text x="${x}" y="${y}" text-anchor="middle" transform="rotate(-90 ${x} ${y})">` +
    `${escapeHtml(text)}</text>`;
}

/** Words in lines that are no wider than asked, by the widest fonts. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter((word) => word !== "")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The picture, on white, and its note below. @param height Without the note. */
export function svg(width: number, height: number, parts: readonly string[], note: string): string {
  const lines = wrapped(note, width - 2 * MARGIN);
  const full = height + LINE * lines.length + 16;
  const texts = lines.map((line, i) => label(MARGIN, height + LINE * (i + 1), line, "start"));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${full}" ` +
    `viewBox="0 0 ${width} ${full}" ${FONT}>\n` +
    `<rect width="${width}" height="${full}" fill="white"/>\n${[...parts, ...texts].join("\n")}` +
    `\n</svg>\n`;
}
