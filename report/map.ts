/** The map of a run: its rows in the plane, near each other where their codes are. */
import type { Backend } from "../engine/backend/backend.ts";
import { Table } from "../engine/state/table.ts";
import { fuzzyGraph } from "../models/graph/fuzzy_graph.ts";
import { layoutOf } from "../models/graph/layout.ts";
import { nearestNeighbours } from "../models/graph/nearest_neighbours.ts";
import { frameOf, intoFrame } from "../models/shallow/frame.ts";
import type { RunRows } from "./rows.ts";

/** Neighbours of a row, itself counted, and what of UMAP's layout differs from its code's defaults. */
const NEIGHBOURS = 15;
const LAYOUT = { epochs: 200, minDistance: 0.1 };

/** Places are whole numbers from 0 to this. */
export const MAP_SIDE = 1000;

/** Some rows in the plane. */
export interface RunMap {
  /** [m] their numbers. */
  readonly rows: Uint32Array;
  /** [m, 2] row-major, in [0, MAP_SIDE]; y grows downwards. */
  readonly places: Uint16Array;
  /** How the places were found, for people. */
  readonly how: string;
}

/**
 * Places rows: codes of two numbers as they are, others by UMAP's layout of the graph of their 15
 * nearest neighbours.
 * @param rows [m] their numbers.
 * @returns Undefined for fewer than 3 rows, and for codes of one number or with values that are not finite.
 */
export async function mapOf(
  backend: Backend,
  { codes, codeSize: p }: RunRows,
  rows: Uint32Array,
  seed: number,
): Promise<RunMap | undefined> {
  const m = rows.length;
  const own = new Float32Array(m * p);
  rows.forEach((row, i) => {
    for (let j = 0; j < p; j++) own[i * p + j] = codes[row * p + j];
  });
  if (m < 3 || p < 2 || !own.every(Number.isFinite)) return undefined;
  if (p === 2) {
    return { rows, places: scaled(own), how: "The two numbers of the code, as they are" };
  }
  const count = Math.min(NEIGHBOURS, m);
  using table = Table.upload(backend, "rows of the map", intoFrame(own, frameOf(own, p)), m, p);
  const neighbours = await nearestNeighbours(backend, table, count - 1);
  const graph = await fuzzyGraph(backend, neighbours, count);
  const layout = await layoutOf(backend, graph, { ...LAYOUT, seed });
  const how =
    `UMAP's layout of the graph of ${count - 1} nearest neighbours of each code: what is ` +
    "near is alike, and distances between groups say little";
  return { rows, places: scaled(layout), how };
}

/** Both axes by one factor, into the middle of the square. */
function scaled(places: Float32Array): Uint16Array {
  const [low, high] = [[Infinity, Infinity], [-Infinity, -Infinity]];
  places.forEach((value, at) => {
    low[at % 2] = Math.min(low[at % 2], value);
    high[at % 2] = Math.max(high[at % 2], value);
  });
  const spans = [0, 1].map((axis) => high[axis] - low[axis]);
  const span = Math.max(...spans) || 1;
  return Uint16Array.from(places, (value, at) => {
    const axis = at % 2;
    const place = (value - low[axis] + (span - spans[axis]) / 2) / span * MAP_SIDE;
    return Math.round(axis === 0 ? place : MAP_SIDE - place);
  });
}
