/** Effects on small variables: the step counter and the running totals of losses. */
import {
  accumulate as kernel,
  ACCUMULATE_TERMS,
  accumulateParams,
} from "../../kernels/accumulate.ts";
import { advance as advanceKernel } from "../../kernels/advance.ts";
import { apply, expectShape, isOf } from "../tensor/op.ts";
import type { Tensor, Variable } from "../tensor/tensor.ts";
import { affineParts } from "./affine.ts";
import { BINARY_OPS } from "./binary.ts";
import type { RegisteredOp } from "./registered.ts";

/** counter[0] += by. */
export const advanceOp: RegisteredOp<{ by: number }> = {
  name: "advance",
  memory: "update",
  infer([counter]) {
    expectShape("advance", "counter", counter, [1]);
    return [];
  },
  lower: ({ inputs: [counter], attributes: { by } }, emit) =>
    emit.call(advanceKernel, {}, { by }, [counter]),
  gradient: { none: "it is an assignment" },
  updates: () => [0],
  examples: [],
};

/** What an accumulation does. */
export interface AccumulateAttributes {
  /** One for each x: total[index] += scale·Σ x. */
  readonly terms: readonly { readonly index: number; readonly scale: number }[];
  /** What the counter advances by. */
  readonly by: number;
}

function accumulation(
  name: "accumulate" | "accumulateAndAdvance",
  counts: boolean,
): RegisteredOp<AccumulateAttributes> {
  const leading = counts ? 2 : 1;
  return {
    name,
    memory: "update",
    infer(inputs, { terms }) {
      for (const { index } of terms) {
        if (index < inputs[0].size) continue;
        throw new RangeError(`accumulate: index ${index} is past the end of ${inputs[0]}`);
      }
      return [];
    },
    lower({ inputs, attributes: { terms, by } }, emit) {
      const [total, counter] = inputs;
      const x = inputs.slice(leading);
      const params = accumulateParams(terms.map((term, j) => ({ ...term, n: x[j].size })), by);
      const unused = emit.scratch([1]);
      const bound = Array.from({ length: ACCUMULATE_TERMS }, (_, j) => x[j] ?? unused);
      emit.call(kernel, {}, params, [total, counts ? counter : emit.scratch([1], "u32"), ...bound]);
    },
    gradient: { none: "it is an assignment" },
    updates: () => counts ? [0, 1] : [0],
    examples: [],
  };
}

/** total[index] += scale·Σ x for some (index, scale, x): inputs total, x… */
export const accumulateOp: RegisteredOp<AccumulateAttributes> = accumulation("accumulate", false);

/** The same, and counter[0] += by: inputs total, counter, x… Fusion makes it. */
export const accumulateAndAdvanceOp: RegisteredOp<AccumulateAttributes> = accumulation(
  "accumulateAndAdvance",
  true,
);

/** Adds `by` to a u32 counter [1], once a step, after everything traced before. */
export function advance(counter: Variable, by = 1): void {
  apply(advanceOp, [counter], { by });
}

/** Adds the scalar `x` to `total[index]`, once a step. */
export function accumulate(total: Variable, index: number, x: Tensor): void {
  expectShape("accumulate", "x", x, []);
  const parts = linearParts(x);
  for (let first = 0; first < parts.length; first += ACCUMULATE_TERMS) {
    const some = parts.slice(first, first + ACCUMULATE_TERMS);
    const terms = some.map(({ scale }) => ({ index, scale }));
    apply(accumulateOp, [total, ...some.map((part) => part.x)], { terms, by: 0 });
  }
}

/** A scalar as Σ scale·x, where it was made as such a sum. */
function linearParts(x: Tensor): { x: Tensor; scale: number }[] {
  const parts = affineParts(x);
  if (parts?.b === 0) {
    return linearParts(parts.x).map((part) => ({ ...part, scale: parts.a * part.scale }));
  }
  const { node } = x;
  const isSum = isOf(node, BINARY_OPS.add) && node.inputs.every(({ shape }) => shape.length === 0);
  return isSum ? node.inputs.flatMap(linearParts) : [{ x, scale: 1 }];
}
