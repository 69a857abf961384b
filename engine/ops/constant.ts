/** A scalar known when the step is traced. */
import type { Op } from "../op.ts";
import { apply, f32, type Tensor } from "../tensor.ts";

/** The op; the plan writes the value once, when it is made. */
export const constantOp: Op<{ value: number }> = {
  name: "constant",
  infer: () => [f32([])],
  gradient: { none: "a constant does not vary" },
  examples: [],
};

/** The scalar `value`, shape []. */
export function constant(value: number): Tensor {
  return apply(constantOp, [], { value })[0];
}

/** The value of a tensor that is a constant, else undefined. */
export function constantValue(tensor: Tensor): number | undefined {
  return tensor.node?.op.name === constantOp.name
    ? (tensor.node.attributes as { value: number }).value
    : undefined;
}
