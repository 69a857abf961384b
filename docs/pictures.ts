/**
 * The pictures of how-it-works.md, of runs of DynAE on the digits that ship with the project: codes from
 * the pixels to the end of RUN, and the counts of KMEANS, which starts from the same network without
 * construction.
 *
 * usage: deno task docs:pictures RUN KMEANS
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
import type { OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { chartSvg } from "../report/chart_svg.ts";
import { chartsOf } from "../report/curves.ts";
import { readCheckpoint } from "../storage/files.ts";

const NEIGHBOURS = 15;
/** Rows that are drawn: every so many. */
const EVERY = 3;
/** Of the ten classes. */
const COLOURS = [
  ...["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951"],
  ...["#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0"],
];
const SIDE = 290;
/** Between two maps. */
const GAP = 15;
const NAME = 'font-family="system-ui, sans-serif" font-size="16" font-weight="600" fill="#222" ' +
  'text-anchor="middle" stroke="#fff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"';
const TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#333"';

/** Places for codes [n, p]: UMAP's layout of their neighbour graph, [n, 2]. */
async function placesOf(backend: Backend, codes: Float32Array, n: number): Promise<Float32Array> {
  using state = new State(backend);
  const variable = state.variable("codes", [n, codes.length / n], { data: codes });
  const neighbours = await nearestNeighbours(backend, Table.of(variable), NEIGHBOURS - 1);
  return await layoutOf(backend, await fuzzyGraph(backend, neighbours, NEIGHBOURS), { seed: 0 });
}

function picture(width: number, height: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}"><rect width="100%" height="100%" fill="#fff"/>\n${content}</svg>\n`;
}

/** A square of points by their classes, each named in its middle, with a title above. */
function map(places: Float32Array, classes: ArrayLike<number>, title: string): string {
  const range = [0, 1].map((axis) => {
    const values = places.filter((_, i) => i % 2 === axis).sort();
    return [values[0], values.at(-1)!];
  });
  const at = (i: number, axis: number) => {
    const [low, high] = range[axis];
    return (12 + (SIDE - 24) * (places[2 * i + axis] - low) / (high - low)).toFixed(1);
  };
  const paths: string[] = [];
  const names: string[] = [];
  for (const [k, colour] of COLOURS.entries()) {
    const rows = Array.from(classes, (_, i) => i).filter((i) => classes[i] === k);
    const points = rows.filter((i) => i % EVERY === 0).map((i) => `M${at(i, 0)} ${at(i, 1)}h0`);
    paths.push(`<path d="${points.join("")}" stroke="${colour}"/>`);
    const [x, y] = [0, 1].map((axis) =>
      rows.map((i) => Number(at(i, axis))).sort((a, b) => a - b)[rows.length >> 1]
    );
    names.push(`<text x="${x}" y="${y + 6}" ${NAME}>${k}</text>`);
  }
  return `<text x="1" y="18" ${TEXT}>${title}</text>\n<g transform="translate(0 26)">` +
    `<rect x="0.5" y="0.5" width="${SIDE - 1}" height="${
      SIDE - 1
    }" rx="6" fill="none" stroke="#ddd"/>\n` +
    `<g stroke-width="3" stroke-linecap="round" fill="none">\n${paths.join("\n")}\n</g>\n` +
    `${names.join("\n")}\n</g>\n`;
}

/** The code of every row before there are clusters, by the network that a run kept. */
async function pretrainedCodes(run: string, backend: Backend): Promise<Float32Array> {
  const { configuration } = JSON.parse(await Deno.readTextFile(`${run}/run.json`));
  const { clusters, hidden, latent } = configuration.options as OptionValues;
  const model = METHODS["ae-kmeans"].create({ clusters, hidden, latent });
  const { checkpoint: pretrained } = await readCheckpoint(`${run}/pretrained.safetensors`);
  const { embedding } = await model.fit(dataset, { backend, pretrained });
  await model.dispose();
  return embedding;
}

/** What the page of a report takes from its style sheet. */
const STYLE = "text{font:11px system-ui,sans-serif;fill:#555}.grid{stroke:#ddd;fill:none}" +
  ".phase,.update{stroke:#777;fill:none}.update{stroke-dasharray:1 4}" +
  ".curve{fill:none;stroke-width:2}.s0{stroke:#bc4c00}.s1{stroke:#0969da}";

/** Conflicted and unconflicted rows of a run over its steps. */
async function countsOf(run: string): Promise<string> {
  const log = await Deno.readTextFile(`${run}/metrics.jsonl`);
  const rows = log.trim().split("\n").map((line) => JSON.parse(line))
    .filter(({ phase }) => phase === "clustering");
  const chart = chartsOf(rows).find(({ id }) => id === "states")!;
  const names = chart.series.map(({ name, style }, i) =>
    `<path class="curve s${style}" d="M${480 + 115 * i} 12h20"/>` +
    `<text x="${504 + 115 * i}" y="16">${name}</text>`
  );
  return chartSvg({ ...chart, phases: [] }).toString().trim()
    .replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="720" height="260" ')
    .replace(
      ">",
      `><style>${STYLE}</style><rect width="100%" height="100%" fill="#fff"/>${names.join("")}`,
    )
    .replace(/\n\s+/g, "\n") + "\n";
}

const [path, fromKMeans] = Deno.args;
if (fromKMeans === undefined) throw new Error("usage: deno task docs:pictures RUN KMEANS");
const codesFile = `${path}/embedding.npy`;
const { values: codes } = decodeNpy(await Deno.readFile(codesFile), codesFile);
const dataset = await loadDataset("optdigits");
const backend = await openDevice({ device: "cpu" });
const stages: [title: string, codes: Float32Array][] = [
  ["the pixels", dataset.data],
  ["the code after pre-training", await pretrainedCodes(path, backend)],
  ["the code in the end", Float32Array.from(codes)],
];
let content = "";
for (const [i, [title, codes]] of stages.entries()) {
  const places = await placesOf(backend, codes, dataset.n);
  content += `<g transform="translate(${i * (SIDE + GAP)} 0)">\n${
    map(places, dataset.classes!, title)
  }</g>\n`;
}
const write = (name: string, text: string) =>
  Deno.writeTextFile(new URL(name, import.meta.url), text);
await write("codes.svg", picture(stages.length * (SIDE + GAP) - GAP, SIDE + 26, content));
await write("conflicted.svg", await countsOf(fromKMeans));
await backend.dispose();
