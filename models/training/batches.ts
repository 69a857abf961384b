/** Which batch a step trains on, and what the images in it go through. */
import type { Backend } from "../../engine/backend/backend.ts";
import { augment } from "../../engine/ops/augment.ts";
import { mul } from "../../engine/ops/binary.ts";
import { advance } from "../../engine/ops/counter.ts";
import {
  type BatchOptions,
  type BatchOrder,
  batchRows,
  randomUniform,
} from "../../engine/ops/random.ts";
import { reshape } from "../../engine/ops/reshape.ts";
import { gather } from "../../engine/ops/rows.ts";
import { type Outputs, type Program, trace } from "../../engine/planner/program.ts";
import { RandomStream, STREAM } from "../../engine/random.ts";
import { State } from "../../engine/state/state.ts";
import { Table } from "../../engine/state/table.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { permute } from "../../kernels/batch_rows.ts";
import type { Rows, Window } from "./rows.ts";

/** The sequence of batches of a phase. */
export interface BatchPlan extends Omit<BatchOptions, "count"> {
  /** Rows of the last batch of an epoch. */
  readonly lastCount: number;
}

/**
 * Batches of `batchSize` rows (all rows where there are fewer) in an order. Shuffled epochs leave a
 * last partial batch out, for other rows each time; sequential ones keep it, as a smaller batch.
 */
export function planBatches(
  total: number,
  batchSize: number,
  order: BatchOrder,
  seed: number,
): BatchPlan {
  const batch = Math.min(batchSize, total);
  const batches = order === "shuffled" ? Math.floor(total / batch) : Math.ceil(total / batch);
  const lastCount = order === "shuffled" ? batch : total - (batches - 1) * batch;
  return { total, batch, batches, order, seed, stream: STREAM.batches, lastCount };
}

/** How a phase goes through its rows. */
export interface BatchSettings {
  /** Rows of a batch. */
  readonly batchSize: number;
  /** How the rows of a batch are chosen. */
  readonly order: BatchOrder;
  /** Of the run. */
  readonly seed: number;
  /** The phase's step counter, u32 [1]. */
  readonly step: Variable;
}

/** The programs of a phase: one for full batches, one for the last of an epoch where it is smaller. */
export class BatchPrograms {
  private constructor(
    private readonly plan: BatchPlan,
    private readonly full: Program,
    private readonly last: Program | undefined,
    private readonly windows: BatchWindows | undefined,
  ) {}

  /**
   * Traces `build`, a step on the batch x [count, d], for each batch size; `numbers`, u32 [count], are
   * the batch's rows among all.
   */
  static async trace(
    backend: Backend,
    rows: Rows,
    { batchSize, order, seed, step }: BatchSettings,
    label: string,
    build: (x: Tensor, numbers: Tensor) => Outputs,
  ): Promise<BatchPrograms> {
    const whole = planBatches(rows.total, batchSize, order, seed);
    const windows = rows.isWindowed ? new BatchWindows(rows, whole) : undefined;
    const { lastCount, ...plan } = windows?.plan ?? whole;
    const make = (count: number, name: string) =>
      trace(backend, () => {
        const places = batchRows(windows?.cursor ?? step, { ...plan, count });
        const numbers = windows?.numbers(places) ?? rows.numbers(places);
        const outputs = build(rows.batch(places), numbers);
        if (windows) advance(windows.cursor);
        return outputs;
      }, name);
    return new BatchPrograms(
      { ...whole, batches: windows?.batches ?? whole.batches },
      await make(plan.batch, label),
      lastCount === plan.batch ? undefined : await make(lastCount, `${label}, last batch`),
      windows,
    );
  }

  /** Steps of an epoch. */
  get batches(): number {
    return this.plan.batches;
  }

  /** The program of step `step`, its rows being there, and how many steps from there it serves. */
  async at(step: number): Promise<{ program: Program; steps: number }> {
    const shown = await this.windows?.show(step) ?? Infinity;
    if (!this.last) return { program: this.full, steps: shown };
    const untilLast = this.plan.batches - 1 - (step % this.plan.batches);
    return untilLast === 0
      ? { program: this.last, steps: 1 }
      : { program: this.full, steps: Math.min(shown, untilLast) };
  }

  /** Frees the programs. */
  dispose(): void {
    this.full.dispose();
    this.last?.dispose();
    this.windows?.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Batches of rows that are on the device a window at a time. In order, they are the batches of
 * resident rows, shuffled within in another way. Shuffled, a window is a mixture of runs of rows, those of an epoch in a random order
 * from a random row on, and its batches are a permutation of it; rows left over at the end of window
 * or epoch are other ones each time.
 */
class BatchWindows {
  /** How a program picks the rows of a batch out of the window. */
  readonly plan: BatchPlan;
  /** Batches of an epoch. */
  readonly batches: number;
  /** Position within the window, and which window it is, as `batchRows` counts. */
  readonly cursor: Variable;
  private readonly state: State;
  /** Batches of a window. */
  private readonly each: number;
  /** The numbers of the window's rows among all, u32 [rows, 1]. */
  private readonly shown: Variable;
  /** Which window is on the device, counted through all epochs. */
  private visit = -1;

  /** @param whole The batches of all rows. */
  constructor(private readonly rows: Rows, private readonly whole: BatchPlan) {
    const { order, batch, batches, lastCount } = whole;
    const { table, runs } = rows;
    this.each = Math.floor(table.rows / batch);
    if (this.each === 0) {
      throw new RangeError(
        `batches of ${batch} rows do not fit a window of ${table.rows}; take smaller batches or ` +
          `larger windows`,
      );
    }
    this.batches = order === "shuffled" ? runs.windows * this.each : batches;
    this.plan = {
      ...whole,
      total: table.rows,
      batches: this.each,
      lastCount: order === "shuffled" ? batch : lastCount,
    };
    this.state = new State(rows.backend);
    this.cursor = this.state.variable("batch of the window", [1], { dtype: "u32", saved: false });
    const name = "rows of the window";
    this.shown = this.state.variable(name, [table.rows, 1], { dtype: "u32", saved: false });
  }

  /** Inside `trace`: the numbers among all rows, u32 [n], of rows by their places in the window. */
  numbers(places: Tensor): Tensor {
    return reshape(gather(Table.of(this.shown), places), places.shape);
  }

  /** Brings the window of a step to the device; returns how many steps from there it serves. */
  async show(step: number): Promise<number> {
    const epoch = Math.floor(step / this.batches);
    const batch = step % this.batches;
    const window = Math.floor(batch / this.each);
    const place = batch % this.each;
    const isLast = (window + 1) * this.each >= this.batches;
    const next = isLast ? this.windowOf(epoch + 1, 0) : this.windowOf(epoch, window + 1);
    const shown = this.windowOf(epoch, window);
    await this.rows.show(shown, next);
    const visit = epoch * Math.ceil(this.batches / this.each) + window;
    if (visit !== this.visit) {
      const numbers = new Uint32Array(this.shown.size);
      numbers.set(this.rows.numbersOf(shown));
      this.shown.write(numbers);
    }
    this.visit = visit;
    this.cursor.write(Uint32Array.of(visit * this.each + place));
    return Math.min(this.each - place, this.batches - batch);
  }

  /** Frees the cursor. */
  dispose(): void {
    this.state.dispose();
  }

  private windowOf(epoch: number, window: number): Window {
    const { rows, whole: { order, batch, seed } } = this;
    if (order !== "shuffled") {
      return rows.consecutive(window * this.each * batch, this.each * batch);
    }
    const offset = new RandomStream(seed, STREAM.windows, epoch).below(rows.total);
    const { runs } = rows.runs;
    return rows.mixed(window, offset, (i) => permute(i, runs, seed, STREAM.windows, epoch));
  }
}

/** How far images are moved, on what size. */
export interface AugmentationOptions {
  /** Rows of pixels. */
  readonly height: number;
  /** Columns of pixels. */
  readonly width: number;
  /** Values of a pixel; absent: 1. */
  readonly channels?: number;
  /** Angles are uniform in ± this many degrees. */
  readonly rotation: number;
  /** Shifts are uniform in ± this share of the side, real-valued. */
  readonly shift: number;
  /** Entries of a linear map beside the identity, which scale and shear, are uniform in ± this. Default 0. */
  readonly stretch?: number;
  /** Of the draws, 32 bits. */
  readonly seed: number;
  /** Of the draws, one of each augmentation of a training. Default: pre-training's. */
  readonly stream?: number;
}

/**
 * Random rotation and shift of every image of a batch (DynAE's and DEC-DA's augmentation), and a
 * stretch where one is asked for: bilinear, nearest edge pixel outside.
 */
export class Augmentation {
  private readonly ranges: Variable;

  /** Makes the ranges. @param state Owns them. @param options Sizes and ranges. */
  constructor(state: State, private readonly options: AugmentationOptions) {
    const { rotation, shift, stretch = 0, height, width, stream = STREAM.transforms } = options;
    const rigid = [rotation * Math.PI / 180, shift * height, shift * width];
    const data = Float32Array.from(stretch > 0 ? [...rigid, ...Array(4).fill(stretch)] : rigid);
    this.ranges = state.variable(`augmentation ranges ${stream}`, [data.length], {
      data,
      saved: false,
    });
  }

  /** T(x): [n, height·width·channels] -> the same shape. @param step The counter that draws follow. */
  apply(x: Tensor, step: Tensor): Tensor {
    const { seed, stream = STREAM.transforms, height, width, channels } = this.options;
    const draws = { seed, stream, low: -1, high: 1 };
    const shape = [x.shape[0], this.ranges.size];
    const transforms = mul(randomUniform(step, shape, draws), this.ranges);
    return augment(x, transforms, height, width, channels);
  }
}
