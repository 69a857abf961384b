/** How far runs that differ by their seed alone find the same clusters. */
import { readClasses } from "../datasets/class_file.ts";
import { adjustedRandIndex } from "../models/evaluation/metrics.ts";
import type { Plan } from "./experiment.ts";
import type { RunState } from "./run_state.ts";

/** Adjusted Rand indices of pairs of runs by the pair's folders: finished runs do not change. */
const known = new Map<string, number>();

/**
 * The adjusted Rand index of every pair of finished runs of each setting.
 * @param folder Of the plan. @param states One for each run, in its order.
 */
export async function agreementsOf(
  folder: string,
  plan: Plan,
  states: readonly RunState[],
): Promise<number[][]> {
  const found: number[][] = [];
  for (const setting of plan.settings.keys()) {
    const paths = plan.runs.flatMap(({ setting: own, name }, i) =>
      own === setting && states[i].status === "finished" ? [`${folder}/${name}/labels.csv`] : []
    );
    found.push(await pairsOf(paths));
  }
  return found;
}

async function pairsOf(paths: readonly string[]): Promise<number[]> {
  const labels = new Map<string, Uint32Array>();
  const read = async (path: string) => {
    const before = labels.get(path) ?? (await readClasses(path)).classes;
    labels.set(path, before);
    return before;
  };
  const indices: number[] = [];
  for (const [i, a] of paths.entries()) {
    for (const b of paths.slice(0, i)) {
      const pair = JSON.stringify([a, b]);
      const index = known.get(pair) ?? adjustedRandIndex(await read(a), await read(b));
      known.set(pair, index);
      indices.push(index);
    }
  }
  return indices;
}
