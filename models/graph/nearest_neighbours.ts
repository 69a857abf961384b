/** The nearest other rows of every row, selected on the device. */
import { nearestNeighbours as kernel, NO_ROW } from "../../kernels/nearest_neighbours.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { advance } from "../../engine/ops/counter.ts";
import { batchRows } from "../../engine/ops/random.ts";
import { gather } from "../../engine/ops/rows.ts";
import { trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import type { Table } from "../../engine/state/table.ts";

/** The k nearest other rows of n rows, nearest first, ties to the lowest number. */
export interface NearestNeighbours {
  /** k */
  readonly count: number;
  /** Their numbers, [n, k] row-major. */
  readonly rows: Uint32Array;
  /** Squared distances to them, [n, k] row-major. */
  readonly squaredDistances: Float32Array;
}

/** Fewest rows that are searched for at once, and most pairs of rows between two looks at the signal. */
const BLOCK_ROWS = 1024;
const BLOCK_PAIRS = 2 ** 29;

/**
 * Searches all rows of a table, by direct differences in float32.
 * @param points [n, d]. @param count k, below n. @param signal Aborting rejects with its reason.
 * @throws {RangeError} where there are not more rows than neighbours, or a row with values that are
 *   not finite.
 */
export async function nearestNeighbours(
  backend: Backend,
  points: Table,
  count: number,
  signal?: AbortSignal,
): Promise<NearestNeighbours> {
  const { rows: n, width: d } = points;
  if (!(Number.isInteger(count) && count >= 1)) {
    throw new RangeError(`nearest neighbours: their number must be an integer ≥ 1, got ${count}`);
  }
  if (!(count < n)) {
    throw new RangeError(`${count} nearest neighbours of a row need ${count + 1} rows, got ${n}`);
  }
  const most = Math.max(BLOCK_ROWS, Math.floor(BLOCK_PAIRS / n));
  const batches = Math.ceil(n / most);
  const queries = Math.ceil(n / batches);
  using memory = new State(backend);
  const scratch = (name: string, shape: number[], dtype: "f32" | "u32" = "f32") =>
    memory.variable(`neighbours' ${name}`, shape, { dtype, saved: false });
  const block = scratch("block", [1], "u32");
  const rows = scratch("rows", [queries, count], "u32");
  const squared = scratch("squared distances", [queries, count]);
  using search = await trace(backend, () => {
    // The last block goes on at the first row.
    const order = { order: "sequential", seed: 0, stream: 0 } as const;
    const sizes = { total: n, batch: queries, batches, count: queries };
    const numbers = batchRows(block, { ...order, ...sizes });
    const x = gather(points, numbers);
    for (const { first, rows: chunk } of points.chunks) {
      const params = { queries, n: chunk.shape[0], first, d, k: count };
      callKernel(kernel, params, [x, numbers, chunk, rows, squared]);
    }
    advance(block);
    return {};
  }, "nearest neighbours");
  const found = {
    count,
    rows: new Uint32Array(n * count),
    squaredDistances: new Float32Array(n * count),
  };
  for (let first = 0; first < n; first += queries) {
    signal?.throwIfAborted();
    search.run();
    const [numbers, distances] = await backend.read([rows.region, squared.region]);
    const length = Math.min(queries, n - first) * count;
    found.rows.set(numbers.subarray(0, length), first * count);
    found.squaredDistances.set(distances.subarray(0, length), first * count);
  }
  const missing = found.rows.indexOf(NO_ROW);
  if (missing < 0) return found;
  throw new RangeError(
    `nearest neighbours: row ${Math.floor(missing / count)} has only ${
      missing % count
    } others at ` +
      `a finite distance, ${count} are needed; the values must be finite`,
  );
}
