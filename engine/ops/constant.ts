/** A scalar known when the step is traced. */
import { apply, f32, isOf } from "../tensor/op.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { RegisteredOp } from "./registered.ts";

/** The op; the plan writes the value once, when it is made. */
export const constantOp: RegisteredOp<{ value: number }> = {
  name: "constant",
  memory: "constant",
  infer: () => [f32([])],
  value: ({ value }) => value,
  gradient: { none: "a constant does not vary" },
  examples: [],
};

/** The scalar `value`, shape []. */
export function constant(value: number): Tensor {
  return apply(constantOp, [], { value })[0];
}

/** The value of a tensor that is a constant, else undefined. */
export function constantValue({ node }: Tensor): number | undefined {
  return isOf(node, constantOp) ? node.attributes.value : undefined;
}
