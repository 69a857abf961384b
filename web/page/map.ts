/// <reference lib="dom" />
/** The map: all rows by the principal axes of their codes, a point each. */
import { byId, colourOf, onLook } from "./dom.ts";
import { groupColour } from "./palette.ts";

/** What is drawn. */
export interface MapContent {
  /** [n, 2] */
  readonly points: Float32Array;
  /** [n], which colours points; absent: all alike. */
  readonly groups?: Uint32Array;
  /** How many groups there can be. */
  readonly count: number;
  /** [n], by which a cluster is picked out; absent while there are none. */
  readonly labels?: Uint32Array;
}

/** Of the canvas, as a share of its side. */
const MARGIN = 0.04;

/** Of more rows every second, third, … is drawn, so that the page does not stall. */
const MOST_POINTS = 50_000;

/** Draws into the canvas `map`. */
export class RowMap {
  private readonly canvas = byId("map", HTMLCanvasElement);
  private content: MapContent | undefined;
  private chosen: number | undefined;

  /** Redraws by itself when the page changes its size or theme. */
  constructor() {
    onLook(this.canvas, () => this.draw());
  }

  /** Shows other rows. */
  show(content: MapContent): void {
    this.content = content;
    this.draw();
  }

  /** Fades all clusters but one; undefined: none. */
  choose(cluster: number | undefined): void {
    this.chosen = cluster;
    this.draw();
  }

  private draw(): void {
    const { canvas, content } = this;
    if (!content || canvas.clientWidth === 0) return;
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.width = canvas.height = side;
    const context = canvas.getContext("2d")!;
    const { points, groups, count, labels } = content;
    const place = placeOf(points, side);
    const radius = Math.max(1, side / (points.length > 20_000 ? 600 : 300));
    const plain = colourOf("quiet");
    const n = points.length / 2;
    const stride = Math.ceil(n / MOST_POINTS);
    const isFaded = (i: number) => this.chosen !== undefined && labels?.[i] !== this.chosen;
    // Those that are picked out lie above the others.
    for (const faded of [true, false]) {
      context.globalAlpha = faded ? 0.08 : 0.75;
      for (let group = 0; group < (groups ? count : 1); group++) {
        context.fillStyle = groups ? groupColour(group, count) : plain;
        for (let i = 0; i < n; i += stride) {
          if ((groups && groups[i] !== group) || isFaded(i) !== faded) continue;
          context.beginPath();
          context.arc(place.x(points[2 * i]), place.y(points[2 * i + 1]), radius, 0, 2 * Math.PI);
          context.fill();
        }
      }
    }
  }
}

/** Equal scales for both axes. */
function placeOf(points: Float32Array, side: number) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    low = Math.min(low, points[i + 1]);
    high = Math.max(high, points[i + 1]);
  }
  const extent = Math.max(right - left, high - low) || 1;
  const factor = side * (1 - 2 * MARGIN) / extent;
  return {
    x: (x: number) => side / 2 + (x - (left + right) / 2) * factor,
    y: (y: number) => side / 2 - (y - (low + high) / 2) * factor,
  };
}
