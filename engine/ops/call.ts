/** A kernel applied to variables, where no tensor of its own comes out: clustering, assignment. */
import type { Constants, Kernel, Params } from "../../kernels/kernel.ts";
import { UNARY, unary } from "../../kernels/unary.ts";
import type { Op } from "../op.ts";
import { apply, expectShape, type Tensor, Variable } from "../tensor.ts";
import { origin } from "./reshape.ts";

/** One call of a kernel; the bindings that it writes are changed in place. */
function callOp(kernel: Kernel, constants: Constants, params: Params): Op<Record<never, never>> {
  const updates = kernel.bindings.flatMap(({ access }, i) => (access === "read" ? [] : [i]));
  return {
    name: kernel.name,
    infer(inputs) {
      kernel.bindings.forEach(({ name, type }, i) => {
        if (!inputs[i] || (type !== "word" && inputs[i].dtype !== type)) {
          throw new TypeError(`${kernel.name}: ${name} must be ${type}, got ${inputs[i]}`);
        }
      });
      return [];
    },
    lower: ({ inputs }, emit) => emit.call(kernel, constants, params, inputs),
    gradient: { none: "it changes variables" },
    updates,
    examples: [],
  };
}

/**
 * Inside `trace`: calls `kernel` on tensors in the order of its bindings. Whatever it writes must be
 * a Variable.
 * @throws {TypeError} for a binding of another type, or a written binding that is no Variable.
 */
export function callKernel(
  kernel: Kernel,
  params: Params,
  tensors: readonly Tensor[],
  constants: Constants = {},
): void {
  apply(callOp(kernel, constants, params), tensors, {});
}

/**
 * Inside `trace`: variable ← x, of the same shape. Where x is the variable itself, reshaped or not,
 * there is nothing to do; another part of its memory is refused when the program is prepared.
 */
export function assign(variable: Variable, x: Tensor): void {
  expectShape("assign", `the value of ${variable.name}`, x, variable.shape);
  if (isSameMemory(origin(x), variable)) return;
  callKernel(unary, { n: x.size, a: 1, b: 0 }, [x, variable], { OP: UNARY.copy });
}

function isSameMemory(x: Tensor, { region }: Variable): boolean {
  return x instanceof Variable && x.region.buffer === region.buffer &&
    x.region.offset === region.offset && x.region.length === region.length;
}
