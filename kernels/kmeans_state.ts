/** The state of runs of k-means, as the cases of its kernels start with it. */
import { values } from "./case_buffers.ts";
import type { CaseBuffer } from "./kernel.ts";

/** [runs, 4] = (shift, done, iterations, empty clusters); the runs in `done` are. */
export function stateOf(runs: number, done: readonly number[]): CaseBuffer {
  return values(
    Array.from({ length: runs }, (_, run) => [0.25, done.includes(run) ? 1 : 0, 3 + run, 0]).flat(),
  );
}
