/** Random numbers and batch membership from the step number, with no help of the host. */
import { batchRows as batchRowsKernel } from "../../kernels/batch_rows.ts";
import { randomUniform as randomUniformKernel } from "../../kernels/random_uniform.ts";
import { apply, expectShape, f32, u32 } from "../tensor/op.ts";
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** Which stream of the counter-based generator, and the run's seed: both are its key. */
export interface Stream {
  /** 32-bit seed of the run. */
  readonly seed: number;
  /** Distinguishes the uses within a run. */
  readonly stream: number;
}

/** Which numbers, and of which range. */
export interface UniformAttributes extends Stream {
  readonly shape: Shape;
  readonly low: number;
  readonly high: number;
}

/** Uniform numbers; element i at step s depends on (seed, stream, s, i) alone. */
export const randomUniformOp: RegisteredOp<UniformAttributes> = {
  name: "randomUniform",
  memory: "value",
  infer([step], { shape }) {
    expectShape("randomUniform", "step", step, [1]);
    return [f32(shape)];
  },
  lower({ inputs: [step], outputs: [y], attributes: { seed, stream, low, high } }, emit) {
    emit.call(randomUniformKernel, {}, { n: y.size, seed, stream, low, high }, [step, y]);
  },
  gradient: { none: "random numbers depend on no parameter" },
  examples: [],
};

/**
 * Uniform numbers in [low, high) of `shape`, new at every step.
 * @param step The counter, u32 [1].
 */
export function randomUniform(
  step: Tensor,
  shape: Shape,
  { low = 0, high = 1, ...stream }: Stream & { low?: number; high?: number },
): Tensor {
  return apply(randomUniformOp, [step], { ...stream, shape, low, high })[0];
}

/**
 * How the rows of a batch are chosen. `sequential`: the next rows in order, wrapping at the end.
 * `shuffled`: a new permutation of all rows each epoch, a last partial batch left out.
 * `sequentialShuffledWithin`: as sequential, the rows of each batch permuted.
 */
export type BatchOrder = "sequential" | "shuffled" | "sequentialShuffledWithin";

const MODE: Record<BatchOrder, number> = {
  sequential: 0,
  shuffled: 1,
  sequentialShuffledWithin: 2,
};

/** What {@linkcode batchRows} needs to know. */
export interface BatchOptions extends Stream {
  /** Rows of the data set. */
  readonly total: number;
  /** Rows of a full batch: batch j starts at row j·batch. */
  readonly batch: number;
  /** Batches an epoch, a last partial one included where it is used. */
  readonly batches: number;
  /** Rows of this batch: `batch`, or fewer for a last partial one. */
  readonly count: number;
  /** How the rows of a batch are chosen. */
  readonly order: BatchOrder;
}

/** Row numbers of the batch of a step. */
export const batchRowsOp: RegisteredOp<BatchOptions> = {
  name: "batchRows",
  memory: "value",
  infer([step], { count }) {
    expectShape("batchRows", "step", step, [1]);
    return [u32([count])];
  },
  lower({ inputs: [step], outputs: [rows], attributes }, emit) {
    const { count, total, batch, batches, order, seed, stream } = attributes;
    const params = { count, total, batch, batches, mode: MODE[order], seed, stream };
    emit.call(batchRowsKernel, {}, params, [step, rows]);
  },
  gradient: { none: "row numbers are integers" },
  examples: [],
};

/** Row numbers of the batch of a step, u32 [count]. @param step The counter, u32 [1]. */
export function batchRows(step: Tensor, options: BatchOptions): Tensor {
  return apply(batchRowsOp, [step], options)[0];
}
