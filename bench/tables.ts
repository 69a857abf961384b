/**
 * Whether the partition of a neighbour graph that is taken by its cut is ever worse than k-means, on
 * tables that may have no such structure: scikit-learn's and random mixtures. Classes only score.
 */
import { fileURLToPath } from "node:url";
import { formatTable } from "../engine/inspect/text.ts";
import { openDevice } from "../engine/device.ts";
import { State } from "../engine/state/state.ts";
import { Table } from "../engine/state/table.ts";
import { accuracy } from "../models/evaluation/metrics.ts";
import { kmeans, meanVarianceOf } from "../models/shallow/kmeans.ts";
import { graphPartition } from "../models/graph/partition.ts";
import { circumstances } from "./measure.ts";
import { reasonIn } from "./peer.ts";

interface TableOfRows {
  readonly name: string;
  readonly columns: number;
  readonly rows: readonly number[];
  readonly classes: readonly number[];
}

async function tables(): Promise<TableOfRows[]> {
  const { code, stdout, stderr } = await new Deno.Command("/usr/bin/python3", {
    args: [fileURLToPath(new URL("./peers/tables.py", import.meta.url))],
    env: { OMP_NUM_THREADS: "1" },
  }).output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`scikit-learn: ${reasonIn(text.decode(stderr)) ?? code}`);
  return text.decode(stdout).trim().split("\n").map((line) => JSON.parse(line));
}

if (import.meta.main) {
  const device = await openDevice({ device: "cpu", threads: 1 });
  const lines: string[][] = [];
  let worst = Infinity;
  for (const { name, columns, rows, classes } of await tables()) {
    using state = new State(device);
    const shape = [classes.length, columns];
    const data = state.variable("rows", shape, { data: Float32Array.from(rows) });
    const clusters = new Set(classes).size;
    const taken = await graphPartition(device, data, { clusters });
    const spread = meanVarianceOf(await data.read(), columns);
    const plain = await kmeans(device, Table.of(data), spread, { clusters });
    const scores = [plain, taken].map(({ labels }) => accuracy(classes, labels));
    worst = Math.min(worst, scores[1] - scores[0]);
    lines.push([
      name,
      `${classes.length} × ${columns}`,
      `${clusters}`,
      ...scores.map((score) => score.toFixed(3)),
      taken.name,
    ]);
  }
  await device.dispose();
  const headings = ["table", "rows", "K", "k-means", "taken", "which"];
  console.log(await circumstances());
  console.log(formatTable(headings, lines));
  console.log(`taken − k-means, at worst: ${worst.toFixed(3)}`);
}
