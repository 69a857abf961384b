/** The nearest rows of every row, among the same rows or others, selected on the device. */
import { nearestNeighbours as kernel, NO_ROW } from "../../kernels/nearest_neighbours.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { advance } from "../../engine/ops/counter.ts";
import { batchRows } from "../../engine/ops/random.ts";
import { gather } from "../../engine/ops/rows.ts";
import { trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import type { Table } from "../../engine/state/table.ts";

/** The k nearest rows of n rows, themselves left out, nearest first, ties to the lowest number. */
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
  const { rows: n } = points;
  checkCount(count);
  if (!(count < n)) {
    throw new RangeError(`${count} nearest neighbours of a row need ${count + 1} rows, got ${n}`);
  }
  return await search(backend, points, points, count, signal);
}

/**
 * The nearest rows of one table to each row of another, as {@linkcode nearestNeighbours} finds them;
 * a row of equal values is a neighbour like any other.
 * @param queries [n, d]. @param points [m, d], in which `rows` of the result count.
 * @param count k, at most m. @param signal Aborting rejects with its reason.
 * @throws {RangeError} where there are fewer points than neighbours, the rows have other columns, or
 *   there is a row with values that are not finite.
 */
export async function neighboursAmong(
  backend: Backend,
  queries: Table,
  points: Table,
  count: number,
  signal?: AbortSignal,
): Promise<NearestNeighbours> {
  checkCount(count);
  if (!(count <= points.rows)) {
    throw new RangeError(`${count} nearest neighbours need as many rows, got ${points.rows}`);
  }
  if (queries.width !== points.width) {
    throw new RangeError(
      `nearest neighbours: rows of ${queries.width} columns have none among rows of ${points.width}`,
    );
  }
  return await search(backend, queries, points, count, signal);
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count >= 1) return;
  throw new RangeError(`nearest neighbours: their number must be an integer ≥ 1, got ${count}`);
}

/** Searches `points` for the neighbours of `asking`; where both are one table, a row is not its own. */
async function search(
  backend: Backend,
  asking: Table,
  points: Table,
  count: number,
  signal: AbortSignal | undefined,
): Promise<NearestNeighbours> {
  const { rows: n, width: d } = asking;
  const most = Math.max(BLOCK_ROWS, Math.floor(BLOCK_PAIRS / points.rows));
  const batches = Math.ceil(n / most);
  const queries = Math.ceil(n / batches);
  using memory = new State(backend);
  const scratch = (name: string, shape: number[], dtype: "f32" | "u32" = "f32") =>
    memory.variable(`neighbours' ${name}`, shape, { dtype, saved: false });
  const block = scratch("block", [1], "u32");
  const rows = scratch("rows", [queries, count], "u32");
  const squared = scratch("squared distances", [queries, count]);
  const noRows = asking === points ? undefined : scratch("own rows", [queries], "u32");
  noRows?.write(new Uint32Array(queries).fill(NO_ROW));
  using program = await trace(backend, () => {
    // The last block goes on at the first row.
    const order = { order: "sequential", seed: 0, stream: 0 } as const;
    const sizes = { total: n, batch: queries, batches, count: queries };
    const numbers = batchRows(block, { ...order, ...sizes });
    const x = gather(asking, numbers);
    for (const { first, rows: chunk } of points.chunks) {
      const params = { queries, n: chunk.shape[0], first, d, k: count };
      callKernel(kernel, params, [x, noRows ?? numbers, chunk, rows, squared]);
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
    program.run();
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
