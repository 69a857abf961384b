/** Results as text: score tables, cluster sizes, CSV. */
import type { Scores } from "../models/estimator.ts";
import type { RunRecord } from "./run_record.ts";
import { formatCount, formatTable } from "./terminal.ts";

/** The end of a run for people: ACC, NMI and ARI by partition, or the clusters' sizes. */
export function formatResults({ results, configuration, data }: RunRecord): string {
  if (results === undefined) return "";
  if (results.acc === undefined) {
    return formatTable(
      ["cluster", "rows", "share"],
      results.clusterSizes.map((size, k) => [
        String(k),
        formatCount(size),
        `${(100 * size / data.n).toFixed(1)} %`,
      ]),
    );
  }
  const scores = [...Object.entries(results.partitions), [configuration.model, results] as const];
  return formatScores(scores as [string, Scores][]);
}

/** Scores with four digits, a line a partition. */
export function formatScores(scores: readonly (readonly [name: string, Scores])[]): string {
  return formatTable(
    ["", "ACC", "NMI", "ARI"],
    scores.map(([name, { acc, nmi, ari }]) => [name, ...[acc, nmi, ari].map((x) => x.toFixed(4))]),
  );
}

/** `row,label` lines. @param rows The rows' numbers in the source, where some were left out. */
export function labelsCsv(labels: Uint32Array, rows?: Uint32Array): string {
  const lines = ["row,label"];
  labels.forEach((label, i) => lines.push(`${rows?.[i] ?? i},${label}`));
  return `${lines.join("\n")}\n`;
}

/** A line of names (z0, z1, …) and a line of numbers for each row. */
export function codesCsv(codes: Float32Array, columns: number): string {
  const lines = [Array.from({ length: columns }, (_, j) => `z${j}`).join(",")];
  for (let start = 0; start < codes.length; start += columns) {
    // Nine digits give every float32 back.
    const row = codes.subarray(start, start + columns);
    lines.push(Array.from(row, (x) => Number(x.toPrecision(9))).join(","));
  }
  return `${lines.join("\n")}\n`;
}
