/** Which batch a step trains on, and what the images in it go through. */
import type { Backend } from "../engine/backend.ts";
import { augment } from "../engine/ops/augment.ts";
import { mul } from "../engine/ops/binary.ts";
import { type BatchOptions, type BatchOrder, randomUniform } from "../engine/ops/random.ts";
import { type Outputs, type Program, trace } from "../engine/program.ts";
import { STREAM } from "../engine/random.ts";
import type { State } from "../engine/state.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";

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

/** The programs of a phase: one for full batches, one for the last of an epoch where it is smaller. */
export class BatchPrograms {
  private constructor(
    private readonly plan: BatchPlan,
    private readonly full: Program,
    private readonly last: Program | undefined,
  ) {}

  /** Traces `build` for each batch size. @param build Traces a step on a batch. */
  static async trace(
    backend: Backend,
    plan: BatchPlan,
    label: string,
    build: (batch: BatchOptions) => Outputs,
  ): Promise<BatchPrograms> {
    const make = (count: number, name: string) =>
      trace(backend, () => build({ ...plan, count }), name);
    const partial = plan.lastCount !== plan.batch;
    return new BatchPrograms(
      plan,
      await make(plan.batch, label),
      partial ? await make(plan.lastCount, `${label}, last batch`) : undefined,
    );
  }

  /** The program of step `step`, and how many steps from there it serves. */
  at(step: number): { program: Program; steps: number } {
    if (!this.last) return { program: this.full, steps: Infinity };
    const untilLast = this.plan.batches - 1 - (step % this.plan.batches);
    return untilLast === 0
      ? { program: this.last, steps: 1 }
      : { program: this.full, steps: untilLast };
  }

  /** Frees the programs. */
  dispose(): void {
    this.full.dispose();
    this.last?.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** How far images are moved, on what size. */
export interface AugmentationOptions {
  readonly height: number;
  readonly width: number;
  /** Angles are uniform in ± this many degrees. */
  readonly rotation: number;
  /** Shifts are uniform in ± this share of the side, real-valued. */
  readonly shift: number;
  readonly seed: number;
}

/**
 * Random rotation and shift of every image of a batch (DynAE's and DEC-DA's augmentation): bilinear,
 * nearest edge pixel outside.
 */
export class Augmentation {
  private readonly ranges: Variable;

  /** @param state Owns the ranges. @param options Sizes and ranges. */
  constructor(state: State, private readonly options: AugmentationOptions) {
    const { rotation, shift, height, width } = options;
    this.ranges = state.variable("augmentation ranges", [3], {
      data: Float32Array.of(rotation * Math.PI / 180, shift * height, shift * width),
      saved: false,
    });
  }

  /** T(x): [n, height·width] -> the same shape. @param step The counter that draws follow. */
  apply(x: Tensor, step: Tensor): Tensor {
    const { seed, height, width } = this.options;
    const draws = { seed, stream: STREAM.transforms, low: -1, high: 1 };
    const transforms = mul(randomUniform(step, [x.shape[0], 3], draws), this.ranges);
    return augment(x, transforms, height, width);
  }
}
