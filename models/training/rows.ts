/**
 * The rows that a model trains on or encodes, as programs see them: all of them on the device, or,
 * where they are read from a source, a window of them that moves.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { gather } from "../../engine/ops/rows.ts";
import { scale } from "../../engine/ops/affine.ts";
import { State } from "../../engine/state/state.ts";
import { Table } from "../../engine/state/table.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { isSource, type RowSource, type Samples } from "../estimator.ts";

/** Bytes of a window on the device. The host holds another one, which is read ahead, and a copy. */
const WINDOW_BYTES = 2 ** 26;

/** A window is a multiple of this many rows, so that passes by blocks of as many never straddle two. */
export const WINDOW_UNIT = 1024;

/** Runs of rows in a window, for orders that shuffle: enough that each window is a mixture. */
const RUNS = 16;

/** Parts of the rows that fill a window, in order; a part past the last row goes on at the first. */
export type Window = readonly { readonly first: number; readonly count: number }[];

/** Rows [total, width] of which `table` holds all, or a window. */
export class Rows {
  private shown?: string;
  private ahead: { readonly window: string; readonly data: Promise<Float32Array> } | undefined;
  private spare: Float32Array | undefined;
  /** Settles when the window shown last is on the device, and all work enqueued before is done. */
  private arrived: Promise<unknown> = Promise.resolve();

  private constructor(
    /** What programs read: all rows, or those of the window shown last. */
    readonly table: Table,
    /** Number of all rows. */
    readonly total: number,
    private readonly inputScale: number,
    private readonly source?: { readonly rows: RowSource; readonly window: Variable },
    private readonly state?: State,
    private readonly selection?: Variable,
  ) {}

  /**
   * Rows on the device: all of them, or room for a window where a source has more than that.
   * @param inputScale What every value of a batch is multiplied by.
   * @throws what the source throws.
   */
  static async open(backend: Backend, { data, n, d }: Samples, inputScale = 1): Promise<Rows> {
    if (!isSource(data)) return Rows.of(Table.upload(backend, "samples", data, n, d), inputScale);
    const fitting = data.windowRows ?? Math.max(WINDOW_BYTES / (4 * d), 4 * WINDOW_UNIT);
    const rows = Math.max(Math.floor(fitting / WINDOW_UNIT), 1) * WINDOW_UNIT;
    if (n <= rows) {
      const all = new Float32Array(n * d);
      await data.read(0, all);
      return Rows.of(Table.upload(backend, "samples", all, n, d), inputScale);
    }
    const state = new State(backend);
    const window = state.variable("window of the samples", [rows, d], { saved: false });
    return new Rows(Table.of(window), n, inputScale, { rows: data, window }, state);
  }

  /** All rows, where they are on the device already. @param inputScale See {@linkcode open}. */
  static of(table: Table, inputScale = 1): Rows {
    return new Rows(table, table.rows, inputScale);
  }

  /**
   * Some of these rows, in the same memory; to be disposed of before these.
   * @param numbers Which: distinct, each below `total`.
   * @throws {TypeError} where a window of the rows is on the device.
   */
  select(numbers: Uint32Array): Rows {
    const { table, inputScale } = this;
    if (this.isWindowed) {
      throw new TypeError(
        `rows: some of ${this.total} cannot be selected, of which a window of ${table.rows} is on ` +
          `the device; give their values, not a source`,
      );
    }
    const state = new State(this.backend);
    const options = { dtype: "u32", data: numbers, saved: false } as const;
    const selection = state.variable("selected rows", [numbers.length, 1], options);
    return new Rows(table, numbers.length, inputScale, undefined, state, selection);
  }

  /**
   * Inside `trace`: a batch [n, width] by the rows' places, u32 [n]: in `table`, or among the rows
   * that were selected.
   */
  batch(places: Tensor): Tensor {
    return scale(gather(this.table, this.numbers(places)), this.inputScale);
  }

  /** Inside `trace`: the numbers, u32 [n], of rows on the device by their places as in `batch`. */
  numbers(places: Tensor): Tensor {
    const { selection } = this;
    return selection ? reshape(gather(Table.of(selection), places), places.shape) : places;
  }

  /** Where the rows are. */
  get backend(): Backend {
    return this.table.chunks[0].rows.backend;
  }

  /** Whether `table` holds a window, and not all rows. */
  get isWindowed(): boolean {
    return this.source !== undefined;
  }

  /** The window of consecutive rows that begins at row `first`; shorter at the end. */
  consecutive(first: number, count: number = this.table.rows): Window {
    return [{ first, count: Math.min(count, this.total - first) }];
  }

  /**
   * A window of runs of rows from all over the data: the `index`-th of an epoch.
   * @param offset Row at which the epoch's first run begins. @param order The place, of
   *   {@linkcode runs}, that the run takes which would be i-th.
   */
  mixed(index: number, offset: number, order: (i: number) => number): Window {
    const count = this.table.rows / RUNS;
    return Array.from({ length: RUNS }, (_, i) => {
      const first = (offset + order(RUNS * index + i) * count) % this.total;
      return { first, count };
    });
  }

  /** Runs of an epoch of {@linkcode mixed} windows, and the windows that they fill. */
  get runs(): { readonly runs: number; readonly windows: number } {
    const runs = Math.floor(this.total / (this.table.rows / RUNS));
    return { runs, windows: Math.floor(runs / RUNS) };
  }

  /** The numbers of a window's rows, in its order. */
  numbersOf(window: Window): Uint32Array {
    const numbers = new Uint32Array(window.reduce((sum, { count }) => sum + count, 0));
    let place = 0;
    for (const { first, count } of window) {
      for (let i = 0; i < count; i++) numbers[place++] = (first + i) % this.total;
    }
    return numbers;
  }

  /**
   * Brings a window to the device, behind everything enqueued, unless it is there, and begins to
   * read the next one.
   * @throws what the source throws.
   */
  async show(window: Window, next?: Window): Promise<void> {
    const name = nameOf(window);
    if (name === this.shown) return;
    const { ahead } = this;
    this.ahead = undefined;
    const data = await (ahead?.window === name ? ahead.data : this.read(window));
    // Without this wait a fast disk would pile up windows that the device has yet to come to.
    await this.arrived;
    const { window: place } = this.source!;
    place.write(data);
    // A failure of the device is met by whoever reads results.
    this.arrived = place.backend.read([{ ...place.region, length: 1 }]).catch(() => {});
    this.shown = name;
    // The values are copied by now, so that the array can take the next window.
    this.spare = data;
    if (next === undefined) return;
    this.ahead = { window: nameOf(next), data: this.read(next) };
    // A failure is met when the window is shown.
    this.ahead.data.catch(() => {});
  }

  /** Frees the memory that the rows own. */
  dispose(): void {
    if (!this.selection) this.table.dispose();
    this.state?.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The values of a window. */
  private async read(window: Window): Promise<Float32Array> {
    const { rows: source, window: { size, shape: [, width] } } = this.source!;
    const data = this.spare ?? new Float32Array(size);
    this.spare = undefined;
    let place = 0;
    for (let { first, count } of window) {
      while (count > 0) {
        const now = Math.min(count, this.total - first);
        await source.read(first, data.subarray(place, place += now * width));
        first = (first + now) % this.total;
        count -= now;
      }
    }
    return data;
  }
}

function nameOf(window: Window): string {
  return window.map(({ first, count }) => `${first}+${count}`).join();
}
