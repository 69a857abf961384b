/// <reference lib="dom" />
/** Everything that is drawn of a run: map, clusters, curves, and the table behind them. */
import type { LogRow, TrainingEvent } from "../../models/estimator.ts";
import { Chart } from "./chart.ts";
import { ClusterList } from "./clusters.ts";
import { byId, make } from "./dom.ts";
import { RowMap } from "./map.ts";
import type { DataInfo, View } from "./messages.ts";

const COUNTS = ["conflicted", "unconflicted"];
const SCORES = ["acc", "nmi", "ari"];

/** What the log says of a row without being measured. */
const PLACE = ["phase", "step"];

/** Draws a run as it goes. */
export class Pictures {
  private readonly map = new RowMap();
  private readonly clusters = new ClusterList((cluster) => this.map.choose(cluster));
  private readonly losses = new Chart("losses", true);
  private readonly conflicted = new Chart("conflicted");
  private readonly scores = new Chart("scores");
  private readonly colour = byId("colour", HTMLSelectElement);
  private data: DataInfo | undefined;
  private view: View | undefined;
  private k = 0;
  private lossNames = new Set<string>();
  private phase = "";
  private before = 0;
  private lastStep = 0;

  /** Listens to the choice of colours. */
  constructor() {
    this.colour.addEventListener("change", () => this.drawMap());
  }

  /** Begins anew. @param k The number of clusters. */
  begin(data: DataInfo, k: number): void {
    this.data = data;
    this.k = k;
    this.view = undefined;
    this.clusters.clear();
    this.map.choose(undefined);
    byId("pictures", HTMLDivElement).hidden = false;
    byId("colours", HTMLParagraphElement).hidden = data.classes === undefined;
    this.restart([]);
  }

  /** Draws the log of a run that goes on. */
  restart(history: readonly LogRow[]): void {
    for (const chart of [this.losses, this.conflicted, this.scores]) chart.clear();
    byId("log", HTMLTableElement).replaceChildren();
    this.phase = "";
    this.before = this.lastStep = 0;
    for (const row of history) this.log(row);
  }

  /** Follows the log. */
  event(event: TrainingEvent): void {
    if (event.type === "progress") {
      Object.keys(event.losses).forEach((name) => this.lossNames.add(name));
    }
    if (event.type === "log") this.log(event.row);
  }

  /** Shows all rows as they are now. */
  show(view: View): void {
    this.view = view;
    byId("map-caption", HTMLParagraphElement).textContent =
      `${view.moment}: codes on their two principal axes`;
    this.drawMap();
    const caption = byId("clusters-caption", HTMLParagraphElement);
    const { labels, images, isDecoded } = view;
    if (!labels) {
      caption.textContent = "There are none yet: the network is being pre-trained.";
      return;
    }
    caption.textContent = !images
      ? "Press one to pick it out of the map."
      : `${isDecoded ? "Centroids, as the network draws them" : "Means of the clusters' rows"}. ` +
        "Press one to pick it out of the map.";
    const sizes = new Array<number>(this.k).fill(0);
    for (const label of labels) sizes[label]++;
    const picture = this.data?.picture;
    this.clusters.show({ sizes, ...images && { images }, ...picture && { picture } });
  }

  private drawMap(): void {
    const { view, data } = this;
    if (!view || !data) return;
    const byClass = this.colour.value === "class" && data.classes !== undefined;
    const groups = byClass ? data.classes : view.labels;
    const count = byClass ? data.classCount! : this.k;
    const { points, labels } = view;
    this.map.show({ points, count, ...groups && { groups }, ...labels && { labels } });
  }

  private log(row: LogRow): void {
    const phase = String(row.phase);
    const step = Number(row.step);
    // What is logged once, of another phase's name, has no place on the curves.
    if (phase !== this.phase) {
      this.before += this.lastStep;
      this.phase = phase;
    }
    this.lastStep = step;
    const values = Object.entries(row).filter((entry): entry is [string, number] =>
      !PLACE.includes(entry[0]) && typeof entry[1] === "number"
    );
    const place = this.before + step;
    this.draw(this.losses, place, values.filter(([name]) => this.lossNames.has(name)));
    this.draw(this.conflicted, place, values.filter(([name]) => COUNTS.includes(name)));
    const scores = values.filter(([name]) => SCORES.includes(name));
    this.draw(this.scores, place, scores.map(([name, value]) => [name.toUpperCase(), value]));
    byId("conflicted-section", HTMLElement).hidden = this.conflicted.isEmpty;
    byId("scores-section", HTMLElement).hidden = this.scores.isEmpty;
    const text = values.map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`).join(
      ", ",
    );
    byId("log", HTMLTableElement).append(
      make("tr", {}, make("th", { scope: "row" }, `${phase}, ${step}`), make("td", {}, text)),
    );
  }

  private draw(chart: Chart, step: number, values: readonly (readonly [string, number])[]): void {
    if (values.length > 0) chart.add({ step, values: Object.fromEntries(values) });
  }
}
