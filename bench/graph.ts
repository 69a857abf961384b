/**
 * The graph of neighbours and its layout beside scikit-learn's and umap-learn's, on the same rows:
 * whether neighbours and weights are the same, how trustworthy the layouts are, and how well k-means
 * on them agrees with the classes. Labels only score.
 */
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { loadDataset } from "../datasets/load.ts";
import type { Backend } from "../engine/backend/backend.ts";
import { openDevice } from "../engine/device.ts";
import { Table } from "../engine/state/table.ts";
import type { Edges } from "../models/graph/edges.ts";
import { fuzzyGraph } from "../models/graph/fuzzy_graph.ts";
import { layoutOf } from "../models/graph/layout.ts";
import { type NearestNeighbours, nearestNeighbours } from "../models/graph/nearest_neighbours.ts";
import { circumstances } from "./measure.ts";
import { reasonIn } from "./peer.ts";

interface Options {
  readonly data: string;
  readonly dataDir?: string;
  readonly classes?: string;
  readonly neighbours: number;
  readonly seeds: number;
  readonly threads: number;
  readonly json?: boolean;
}

function integer(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("It must be an integer of at least 1.");
}

function parse(args: readonly string[]): Options {
  const command = new Command("deno task bench:graph")
    .description("Compares neighbours, weights and layouts with scikit-learn's and umap-learn's.")
    .option(
      "--data <name|path>",
      "a named set, or a file of rows, such as embedding.npy",
      "optdigits",
    )
    .option("--data-dir <dir>", "where named data sets lie")
    .option("--classes <path>", "classes of the rows of a file")
    .option("--neighbours <n>", "the row itself counted", integer, 15)
    .option("--seeds <n>", "layouts from as many seeds", integer, 5)
    .option("--threads <n>", "of ours; umap-learn takes one", integer, 1)
    .option("--json", "print one JSON object")
    .allowExcessArguments(false)
    .showHelpAfterError()
    .parse([...args], { from: "user" });
  return command.opts();
}

/** Runs the peer on arrays and returns what it prints. */
async function compare(
  header: Readonly<Record<string, unknown>>,
  arrays: readonly (Float32Array | Uint32Array)[],
): Promise<Record<string, unknown>> {
  const child = new Deno.Command("/usr/bin/python3", {
    args: [fileURLToPath(new URL("./peers/graph.py", import.meta.url))],
    env: { OMP_NUM_THREADS: "1", NUMBA_NUM_THREADS: "1", PYTHONWARNINGS: "ignore" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const output = child.output();
  try {
    await writer.write(new TextEncoder().encode(`${JSON.stringify(header)}\n`));
    for (const { buffer, byteOffset, byteLength } of arrays) {
      await writer.write(new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength));
    }
    await writer.close();
  } catch {
    // It has ended, and says why.
  }
  const { code, stdout, stderr } = await output;
  const text = new TextDecoder();
  if (code === 0) return JSON.parse(text.decode(stdout));
  throw new Error(`umap-learn: ${reasonIn(text.decode(stderr)) ?? `exit code ${code}`}`);
}

/** What comes of rows, and how long each part took. */
export interface LaidOut {
  readonly found: NearestNeighbours;
  readonly graph: Edges;
  /** One a seed, each [n, 2]. */
  readonly layouts: readonly Float32Array[];
  /** By part: neighbours, weights, "layout 0", … */
  readonly seconds: Readonly<Record<string, number>>;
}

/**
 * Finds neighbours, weights and layouts of rows.
 * @param neighbours Of each row, itself counted. @param seeds How many layouts.
 * @param onPart Called after each part, with its time.
 */
export async function layOut(
  backend: Backend,
  { data, n, d }: { readonly data: Float32Array; readonly n: number; readonly d: number },
  neighbours: number,
  seeds: number,
  onPart?: (name: string, seconds: number) => void,
): Promise<LaidOut> {
  const table = Table.upload(backend, "rows", data, n, d);
  const seconds: Record<string, number> = {};
  const timed = async <T>(name: string, work: () => T | Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - started) / 1000;
    onPart?.(name, seconds[name]);
    return result;
  };
  const found = await timed("neighbours", () => nearestNeighbours(backend, table, neighbours - 1));
  const graph = await timed("weights", () => fuzzyGraph(backend, found, neighbours));
  const layouts: Float32Array[] = [];
  for (let seed = 0; seed < seeds; seed++) {
    layouts.push(await timed(`layout ${seed}`, () => layoutOf(backend, graph, { seed })));
  }
  table.dispose();
  return { found, graph, layouts, seconds };
}

async function main(): Promise<void> {
  const { data: set, neighbours: k, seeds, threads, json, ...places } = parse(Deno.args);
  const { data, n, d, classes } = await loadDataset(set, places);
  const backend = await openDevice({ device: "cpu", threads });
  const { found, graph, layouts, seconds } = await layOut(backend, { data, n, d }, k, seeds);
  const description = backend.info.description;
  await backend.dispose();

  const header = { n, d, neighbours: k, edges: graph.rows.length, seeds, labelled: !!classes };
  const { name, neighbours, weights, layouts: scores } = await compare(header, [
    data,
    found.rows,
    found.squaredDistances,
    graph.first,
    graph.rows,
    Float32Array.from(graph.weights),
    ...layouts,
    ...(classes ? [classes] : []),
  ]) as {
    name: string;
    neighbours: { same: number; distance: number };
    weights: { edges: number; difference: number };
    layouts: Record<"ours" | "theirs", Record<string, number>[]>;
  };
  if (json) {
    const report = { ...await circumstances(), ...header, threads, seconds, neighbours, weights };
    console.log(JSON.stringify({ ...report, name, layouts: scores }, null, 2));
  } else {
    console.log(`${set}, ${n}×${d}, ${k} neighbours: dynae cpu, ${description}; ${name}`);
    console.log(
      `neighbours: ${(100 * neighbours.same).toFixed(3)} % the same, distances to ` +
        `${neighbours.distance.toExponential(1)}; ${seconds.neighbours.toFixed(2)} s`,
    );
    console.log(
      `weights: ${weights.edges} edges in one graph alone, weights to ` +
        `${weights.difference.toExponential(1)}; ${seconds.weights.toFixed(2)} s`,
    );
    const show = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? "";
    const rows = (["ours", "theirs"] as const).flatMap((whose) =>
      scores[whose].map((score, seed) => [
        whose === "ours" ? "dynae" : "umap-learn",
        `${seed}`,
        show(score.trustworthiness, 4),
        show(score.accuracy, 3),
        show(score.nmi, 3),
        show(whose === "ours" ? seconds[`layout ${seed}`] : score.seconds, 1),
      ])
    );
    console.log(formatTable(["", "seed", "trustworthiness", "accuracy", "NMI", "s"], rows));
  }
}

if (import.meta.main) await main();
