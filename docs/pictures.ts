/**
 * The picture of how-it-works.md, of a run of DynAE on the digits that ship with the project.
 *
 * usage: deno task docs:pictures RUN
 */
import { loadDataset } from "../datasets/mod.ts";
import { decodeNpy } from "../datasets/npy.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { openDevice } from "../engine/device.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { fuzzyGraph } from "../models/graph/fuzzy_graph.ts";
import { layoutOf } from "../models/graph/layout.ts";
import { nearestNeighbours } from "../models/graph/nearest_neighbours.ts";

const NEIGHBOURS = 15;
/** Rows that are drawn: every so many. */
const EVERY = 3;
/** Of the ten classes. */
const COLOURS = [
  ...["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951"],
  ...["#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"],
];
const SIDE = 300;
const TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#333"';

/** Places for codes [n, p]: UMAP's layout of their neighbour graph, [n, 2]. */
async function placesOf(backend: Backend, codes: Float32Array, n: number): Promise<Float32Array> {
  using state = new State(backend);
  const variable = state.variable("codes", [n, codes.length / n], { data: codes });
  const neighbours = await nearestNeighbours(backend, Table.of(variable), NEIGHBOURS - 1);
  return await layoutOf(backend, fuzzyGraph(neighbours, NEIGHBOURS), { seed: 0 });
}

function picture(width: number, height: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}"><rect width="100%" height="100%" fill="#fff"/>\n${content}</svg>\n`;
}

/** A square of points by their classes, with a title above. */
function map(places: Float32Array, classes: ArrayLike<number>, title: string): string {
  const range = [0, 1].map((axis) => {
    const values = places.filter((_, i) => i % 2 === axis).sort();
    return [values[0], values.at(-1)!];
  });
  const at = (i: number, axis: number) => {
    const [low, high] = range[axis];
    return (8 + (SIDE - 16) * (places[2 * i + axis] - low) / (high - low)).toFixed(1);
  };
  const paths = COLOURS.map((colour, k) => {
    const points: string[] = [];
    for (let i = 0; i < classes.length; i += EVERY) {
      if (classes[i] === k) points.push(`M${at(i, 0)} ${at(i, 1)}h0`);
    }
    return `<path d="${points.join("")}" stroke="${colour}"/>`;
  });
  return `<text x="8" y="18" ${TEXT}>${title}</text>\n<g transform="translate(0 24)" ` +
    `stroke-width="3" stroke-linecap="round" fill="none">\n${paths.join("\n")}\n</g>\n`;
}

const [path] = Deno.args;
if (path === undefined) throw new Error("usage: deno task docs:pictures RUN");
const codesFile = `${path}/embedding.npy`;
const { values: codes } = decodeNpy(await Deno.readFile(codesFile), codesFile);
const dataset = await loadDataset("optdigits");
const backend = await openDevice({ device: "cpu" });
const stages: [title: string, codes: Float32Array][] = [
  ["the pixels", dataset.data],
  ["the code in the end", Float32Array.from(codes)],
];
let content = "";
for (const [i, [title, codes]] of stages.entries()) {
  const places = await placesOf(backend, codes, dataset.n);
  content += `<g transform="translate(${i * SIDE} 0)">\n${
    map(places, dataset.classes!, title)
  }</g>\n`;
}
const folder = new URL("./", import.meta.url);
await Deno.writeTextFile(
  new URL("codes.svg", folder),
  picture(stages.length * SIDE, SIDE + 24, content),
);
await backend.dispose();
