/** How far runs that differ by their seed alone find the same clusters. */
import { readClasses } from "../datasets/class_file.ts";
import { adjustedRandIndex } from "../models/evaluation/metrics.ts";
import type { Plan } from "./experiment.ts";
import type { RunState } from "./run_state.ts";
import { writeError } from "./terminal.ts";

/** Adjusted Rand indices of pairs of runs by the pair's folders: finished runs do not change. */
const known = new Map<string, number>();

/**
 * The adjusted Rand index of every pair of finished runs of each setting whose labels can be read.
 * @param folder Of the plan. @param states One for each run, in its order.
 */
export async function agreementsOf(
  folder: string,
  plan: Plan,
  states: readonly RunState[],
): Promise<number[][]> {
  const found: number[][] = [];
  for (const [setting, { set }] of plan.settings.entries()) {
    const paths = plan.runs.flatMap(({ setting: own, name }, i) =>
      own === setting && states[i].status === "finished" ? [`${folder}/${name}/labels.csv`] : []
    );
    found.push(await pairsOf(paths, plan.data[set].n));
  }
  return found;
}

/** @param n Rows of each. */
async function pairsOf(paths: readonly string[], n: number): Promise<number[]> {
  const labels = new Map<string, Uint32Array | undefined>();
  const read = async (path: string) => {
    if (!labels.has(path)) labels.set(path, await labelsOf(path, n));
    return labels.get(path);
  };
  const indices: number[] = [];
  for (const [i, a] of paths.entries()) {
    for (const b of paths.slice(0, i)) {
      const pair = JSON.stringify([a, b]);
      const index = known.get(pair) ?? indexOf(await read(a), await read(b));
      if (index === undefined) continue;
      known.set(pair, index);
      indices.push(index);
    }
  }
  return indices;
}

/** The labels of a run; undefined with a note where they are absent or damaged: tables stand without. */
async function labelsOf(path: string, n: number): Promise<Uint32Array | undefined> {
  try {
    const { classes } = await readClasses(path);
    if (classes.length === n) return classes;
    writeError(`note: ${path} has ${classes.length} rows, the run had ${n}\n`);
  } catch (error) {
    writeError(`note: ${(error as Error).message}\n`);
  }
}

function indexOf(a: Uint32Array | undefined, b: Uint32Array | undefined): number | undefined {
  return a && b && adjustedRandIndex(a, b);
}
