/** Effects on small variables: the step counter and the running totals of losses. */
import { accumulate as accumulateKernel } from "../../kernels/accumulate.ts";
import { advance as advanceKernel } from "../../kernels/advance.ts";
import type { Op } from "../op.ts";
import { apply, expectShape, type Tensor, type Variable } from "../tensor.ts";
import { affineParts } from "./unary.ts";

/** counter[0] += by. */
export const advanceOp: Op<{ by: number }> = {
  name: "advance",
  infer([counter]) {
    expectShape("advance", "counter", counter, [1]);
    return [];
  },
  lower: ({ inputs: [counter], attributes: { by } }, emit) =>
    emit.call(advanceKernel, {}, { by }, [counter]),
  gradient: { none: "it is an assignment" },
  updates: [0],
  examples: [],
};

/** total[index] += scale·x. */
export const accumulateOp: Op<{ index: number; scale: number }> = {
  name: "accumulate",
  infer([total, x], { index }) {
    expectShape("accumulate", "x", x, []);
    if (!(index < total.size)) {
      throw new RangeError(`accumulate: index ${index} is past the end of ${total}`);
    }
    return [];
  },
  lower: ({ inputs: [total, x], attributes: { index, scale } }, emit) =>
    emit.call(accumulateKernel, {}, { index, scale }, [total, x]),
  gradient: { none: "it is an assignment" },
  updates: [0],
  examples: [],
};

/** Adds `by` to a u32 counter [1], once a step, after everything traced before. */
export function advance(counter: Variable, by = 1): void {
  apply(advanceOp, [counter], { by });
}

/** Adds the scalar `x` to `total[index]`, once a step. */
export function accumulate(total: Variable, index: number, x: Tensor): void {
  const parts = affineParts(x);
  const folded = parts?.b === 0 ? { x: parts.x, scale: parts.a } : { x, scale: 1 };
  apply(accumulateOp, [total, folded.x], { index, scale: folded.scale });
}
