/**
 * The nearest other rows of every row. The device makes the distances of a block of rows to all rows,
 * and the least of every group of them; the host looks into as many groups as neighbours are wanted.
 */
import { argExtreme } from "../../kernels/arg_extreme.ts";
import { distances as distancesKernel } from "../../kernels/distances.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { gather } from "../../engine/ops/rows.ts";
import { trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import { Table } from "../../engine/state/table.ts";
import { Variable } from "../../engine/tensor/tensor.ts";

/** The k nearest other rows of n rows, nearest first, ties to the lowest number. */
export interface NearestNeighbours {
  /** k */
  readonly count: number;
  /** Their numbers, [n, k] row-major. */
  readonly rows: Uint32Array;
  /** Squared distances to them, [n, k] row-major. */
  readonly squaredDistances: Float32Array;
}

/** Rows of a group, of which the device finds the nearest. */
const GROUP_ROWS = 64;
/** Most rows whose neighbours are searched at once. */
const BLOCK_ROWS = 1024;
/** Most distances that are held at once: 64 MiB. */
const HELD_DISTANCES = 2 ** 24;
/** The distance of places past the last row, which fill its group: beyond any that occurs. */
const FAR = 3e38;

/**
 * Searches all rows of a table, by direct differences in float32.
 * @param points [n, d]. @param count k, below n. @param signal Aborting rejects with its reason.
 * @throws {RangeError} where there are not more rows than neighbours.
 */
export async function nearestNeighbours(
  backend: Backend,
  points: Table,
  count: number,
  signal?: AbortSignal,
): Promise<NearestNeighbours> {
  const { rows: n } = points;
  if (!(count < n)) {
    throw new RangeError(`${count} nearest neighbours of a row need ${count + 1} rows, got ${n}`);
  }
  using search = await Search.create(backend, points, count + 1);
  const rows = new Uint32Array(n * count);
  const squaredDistances = new Float32Array(n * count);
  for (let first = 0; first < n; first += search.blockRows) {
    signal?.throwIfAborted();
    const block = await search.run(first);
    for (let i = 0; i < search.blockRows && first + i < n; i++) {
      // Among rows equal to it, a row need not be the first; the last one found then is one too many.
      const others = block.nearest(i).filter(({ row }) => row !== first + i).slice(0, count);
      others.forEach(({ row, squared }, j) => {
        rows[(first + i) * count + j] = row;
        squaredDistances[(first + i) * count + j] = squared;
      });
    }
  }
  return { count, rows, squaredDistances };
}

/** A row that was found. */
interface Found {
  readonly row: number;
  readonly squared: number;
}

/**
 * The rows nearest to those of a block, they themselves included. Of a row's k nearest rows, each is
 * in one of the k groups with the nearest rows of their own: a group further away would have k rows of
 * other groups before it.
 */
class Search {
  private constructor(
    private readonly memory: State,
    private readonly programs: Awaited<ReturnType<typeof traceSearch>>,
    private readonly total: number,
    /** Rows of a block. */
    readonly blockRows: number,
    private readonly count: number,
  ) {}

  /** Prepares the search for the `count` nearest. */
  static async create(backend: Backend, points: Table, count: number): Promise<Search> {
    const groups = Math.ceil(points.rows / GROUP_ROWS);
    const fitting = Math.max(1, Math.floor(HELD_DISTANCES / (groups * GROUP_ROWS)));
    const blockRows = Math.min(BLOCK_ROWS, fitting, points.rows);
    const memory = new State(backend);
    const sizes = { blockRows, groups, visited: Math.min(count, groups) };
    const programs = await traceSearch(memory, points, sizes);
    return new Search(memory, programs, points.rows, blockRows, count);
  }

  /** Searches for the rows from `first` on; past the last row, for the first ones again. */
  async run(first: number): Promise<{ nearest(i: number): Found[] }> {
    const { programs: { queries, minima, visits, measure, look }, blockRows, total, count } = this;
    queries.write(Uint32Array.from({ length: blockRows }, (_, i) => (first + i) % total));
    measure.run();
    const [groups, visited] = [minima.size / blockRows, visits.size / blockRows];
    const least = await minima.read();
    const chosen = new Uint32Array(visits.size);
    for (let i = 0; i < blockRows; i++) {
      // In their order, so that ties go to the lowest row.
      const places = smallest(least, i * groups, groups, visited).sort((a, b) => a - b);
      chosen.set(places, i * visited);
    }
    visits.write(chosen);
    look.run();
    const { squared } = await look.read();
    const each = visited * GROUP_ROWS;
    const rowOf = (place: number) =>
      (chosen[Math.floor(place / GROUP_ROWS)] % groups) * GROUP_ROWS + (place % GROUP_ROWS);
    return {
      nearest: (i) =>
        smallest(squared, i * each, each, count)
          .map((place) => ({ row: rowOf(place), squared: squared[place] }))
          .filter(({ row }) => row < total),
    };
  }

  /** Frees programs and memory. */
  [Symbol.dispose](): void {
    this.programs.measure.dispose();
    this.programs.look.dispose();
    this.memory.dispose();
  }
}

/** Programs for a block: `measure` all distances and the groups' minima, `look` into some groups. */
async function traceSearch(
  memory: State,
  points: Table,
  { blockRows, groups, visited }: { blockRows: number; groups: number; visited: number },
) {
  const { backend } = memory;
  const { width: d } = points;
  const total = groups * GROUP_ROWS;
  const scratch = (name: string, length: number, dtype: "f32" | "u32" = "f32") =>
    memory.variable(`neighbours' ${name}`, [length], { dtype, saved: false });
  const queries = scratch("rows", blockRows, "u32");
  const distances = scratch("distances", blockRows * total);
  distances.write(new Float32Array(distances.size).fill(FAR));
  const minima = scratch("least distances", blockRows * groups);
  const places = scratch("nearest of groups", blockRows * groups, "u32");
  const visits = scratch("groups", blockRows * visited, "u32");
  const measure = await trace(backend, () => {
    const block = gather(points, queries);
    for (const { first, rows } of points.chunks) {
      const params = { n: rows.shape[0], first, total, d, k: blockRows };
      callKernel(distancesKernel, params, [rows, block, distances]);
    }
    const params = { rows: minima.size, n: GROUP_ROWS };
    callKernel(argExtreme, params, [distances, places, minima], { MODE: 0 });
    return {};
  }, "distances to all rows");
  const byGroup = new Variable(
    backend,
    distances.name,
    [minima.size, GROUP_ROWS],
    distances.region,
  );
  const look = await trace(
    backend,
    () => ({ squared: gather(Table.of(byGroup), visits) }),
    "distances of some groups",
  );
  return { queries, minima, visits, measure, look };
}

/** Places of the `count` smallest values among `length` from `begin` on, ascending, ties in order. */
function smallest(
  values: ArrayLike<number>,
  begin: number,
  length: number,
  count: number,
): number[] {
  const places: number[] = [];
  for (let place = begin; place < begin + length; place++) {
    if (places.length === count && !(values[place] < values[places[count - 1]])) continue;
    if (places.length === count) places.pop();
    let at = places.length;
    while (at > 0 && values[place] < values[places[at - 1]]) at--;
    places.splice(at, 0, place);
  }
  return places;
}
