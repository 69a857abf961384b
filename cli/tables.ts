/** Results as text: score tables, cluster sizes, codes. */
import type { Scores } from "../models/estimator.ts";
import { CRITERIA, criteriaOf, digitsOf } from "../report/criteria.ts";
import type { RunRecord, RunResults } from "./run_record.ts";
import { formatCount, formatTable } from "./terminal.ts";

/** The end of a run for people: ACC, NMI and ARI by partition, or the clusters' sizes. */
export function formatResults({ results, configuration, data }: RunRecord): string {
  if (results === undefined) return "";
  if (results.acc === undefined) {
    const sizes = formatTable(
      ["cluster", "rows", "share"],
      results.clusterSizes.map((size, k) => [
        String(k),
        formatCount(size),
        `${(100 * size / data.n).toFixed(1)} %`,
      ]),
    );
    return `${sizes}\n\n${formatCriteria(results, data.n)}`;
  }
  const scores = [...Object.entries(results.partitions), [configuration.model, results] as const];
  return formatScores(scores as [string, Scores][]);
}

/** What the partition is like, labels aside: to compare with other numbers of clusters. */
function formatCriteria(results: RunResults, n: number): string {
  const values = criteriaOf(results.diagnostics);
  const shown = CRITERIA.filter(({ name }) => values[name] !== undefined);
  const names = shown.map(({ words }) => words.replace(/^the /, ""));
  const table = formatTable(names, [
    shown.map((one) => values[one.name].toFixed(digitsOf(values[one.name], one))),
  ]);
  const { comparedRows } = results.diagnostics;
  // Runs of earlier versions do not say.
  if (!(comparedRows < n)) return table;
  const sample = `${formatCount(comparedRows)} rows that the seed draws`;
  return `${table}\nSilhouette and normalised cut are of ${sample}.`;
}

/** Scores with four digits, a line a partition. */
export function formatScores(scores: readonly (readonly [name: string, Scores])[]): string {
  return formatTable(
    ["", "ACC", "NMI", "ARI"],
    scores.map(([name, { acc, nmi, ari }]) => [name, ...[acc, nmi, ari].map((x) => x.toFixed(4))]),
  );
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
