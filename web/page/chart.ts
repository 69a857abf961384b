/// <reference lib="dom" />
/** Curves over the steps of a run, by uPlot. */
import uPlot from "uplot";
import { byId, colourOf, onLook } from "./dom.ts";
import { groupColour } from "./palette.ts";

/** Values by name at a step. */
export interface ChartRow {
  /** From the start of the run, over all phases. */
  readonly step: number;
  /** Those that the chart does not know are added. */
  readonly values: Readonly<Record<string, number>>;
}

const HEIGHT = 260;

/** Colours alone do not tell curves apart. */
const DASHES = [[], [7, 4], [2, 4], [10, 3, 2, 3], [4, 4], [12, 4]];

/** Lines of a logarithmic axis at whole powers of ten alone. */
const atPowers = {
  filter: (_: uPlot, all: readonly number[]) =>
    all.map((at) => Math.abs(Math.log10(at) - Math.round(Math.log10(at))) < 1e-9 ? at : null),
};

/** Of a value under the pointer; null: there is none. */
function textOf(value: number | null): string {
  return value === null ? "–" : Number(value.toPrecision(4)).toLocaleString("en", {
    maximumSignificantDigits: 4,
  });
}

/** A piece of a curve, for the legend. */
function lineOf(colour: string, dash: readonly number[]): SVGElement {
  const make = (name: string, attributes: Readonly<Record<string, string>>) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };
  const svg = make("svg", { viewBox: "0 0 24 8", width: "24", height: "8" });
  const look = { stroke: colour, "stroke-width": "2", "stroke-dasharray": dash.join(" ") };
  svg.append(make("path", { d: "M0 4H24", ...look }));
  return svg;
}

/** One chart, in the element of the given id. */
export class Chart {
  private readonly place: HTMLElement;
  private readonly steps: number[] = [];
  private readonly series = new Map<string, (number | null)[]>();
  private plot: uPlot | undefined;
  private isDue = false;

  /** `isLogarithmic`: whether the vertical scale is. */
  constructor(id: string, private readonly isLogarithmic = false) {
    this.place = byId(id, HTMLDivElement);
    onLook(this.place, () => this.rebuild());
  }

  /** Whether there is nothing to be seen. */
  get isEmpty(): boolean {
    return this.steps.length === 0;
  }

  /** Adds a row; it is drawn with the next frame. */
  add({ step, values }: ChartRow): void {
    const isNew = Object.keys(values).some((name) => !this.series.has(name));
    this.steps.push(step);
    for (const name of Object.keys(values)) {
      if (!this.series.has(name)) this.series.set(name, this.steps.slice(1).map(() => null));
    }
    for (const [name, column] of this.series) column.push(values[name] ?? null);
    if (isNew) this.rebuild();
    else this.update();
  }

  /** Takes all rows away. */
  clear(): void {
    this.steps.length = 0;
    this.series.clear();
    this.rebuild();
  }

  private get data(): uPlot.AlignedData {
    return [this.steps, ...this.series.values()];
  }

  private update(): void {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.plot?.setData(this.data);
    });
  }

  private rebuild(): void {
    this.plot?.destroy();
    this.plot = undefined;
    if (this.isEmpty || this.place.clientWidth === 0) return;
    const names = [...this.series.keys()];
    const colours = names.map((_, i) => groupColour(i, Math.max(names.length, 4)));
    const axis = { stroke: colourOf("quiet"), grid: { stroke: colourOf("faint") } };
    const vertical = this.isLogarithmic
      ? { grid: { ...axis.grid, ...atPowers }, ticks: atPowers }
      : {};
    this.plot = new uPlot(
      {
        width: this.place.clientWidth,
        height: HEIGHT,
        scales: { x: { time: false }, y: this.isLogarithmic ? { distr: 3 } : {} },
        axes: [{ ...axis, label: "steps" }, { ...axis, ...vertical, size: 64 }],
        series: [
          { label: "step", value: (_, value) => textOf(value) },
          ...names.map((name, i) => ({
            label: name,
            value: (_: uPlot, value: number | null) => textOf(value),
            stroke: colours[i],
            width: 2,
            dash: DASHES[i % DASHES.length],
            spanGaps: true,
          })),
        ],
      },
      this.data,
      this.place,
    );
    this.plot.root.querySelectorAll(".u-legend .u-marker").forEach((marker, i) => {
      if (i === 0) marker.remove();
      else marker.replaceWith(lineOf(colours[i - 1], DASHES[(i - 1) % DASHES.length]));
    });
  }
}
