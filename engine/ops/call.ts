/** A kernel applied to variables, where no tensor of its own comes out: clustering, assignment. */
import type { Constants, Kernel, Params } from "../../kernels/kernel.ts";
import { apply, expectShape, type None } from "../tensor/op.ts";
import { type Tensor, Variable } from "../tensor/tensor.ts";
import { emitUnary } from "./elementwise.ts";
import type { RegisteredOp } from "./registered.ts";
import { origin } from "./reshape.ts";

/** What is called. */
export interface CallAttributes {
  readonly kernel: Kernel;
  readonly params: Params;
  readonly constants: Constants;
}

/** One call of a kernel; the bindings that it writes are changed in place. */
export const callKernelOp: RegisteredOp<CallAttributes> = {
  name: "callKernel",
  memory: "update",
  infer(inputs, { kernel }) {
    kernel.bindings.forEach(({ name, type }, i) => {
      if (!inputs[i] || (type !== "word" && inputs[i].dtype !== type)) {
        throw new TypeError(`${kernel.name}: ${name} must be ${type}, got ${inputs[i]}`);
      }
    });
    return [];
  },
  updates: ({ kernel }) =>
    kernel.bindings.flatMap(({ access }, i) => (access === "read" ? [] : [i])),
  lower: ({ inputs, attributes: { kernel, params, constants } }, emit) =>
    emit.call(kernel, constants, params, inputs),
  gradient: { none: "it changes variables" },
  examples: [],
};

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
  apply(callKernelOp, tensors, { kernel, params, constants });
}

/** variable ← x: inputs x, variable. */
export const assignOp: RegisteredOp<None> = {
  name: "assign",
  memory: "update",
  infer([x, variable]) {
    for (const tensor of [x, variable]) {
      if (tensor.dtype !== "f32") throw new TypeError(`assign: both must be f32, got ${tensor}`);
    }
    expectShape("assign", `the value of ${variable}`, x, variable.shape);
    return [];
  },
  updates: () => [1],
  lower: ({ inputs: [x, variable] }, emit) => emitUnary(emit, "copy", x, variable),
  gradient: { none: "it changes a variable" },
  examples: [],
};

/**
 * Inside `trace`: variable ← x. Where x is the variable itself, reshaped or not, there is nothing to
 * do; another part of its memory is refused when the program is prepared.
 * @throws {RangeError} naming both shapes where they differ. @throws {TypeError} for what is not f32.
 */
export function assign(variable: Variable, x: Tensor): void {
  expectShape("assign", `the value of ${variable.name}`, x, variable.shape);
  if (isSameMemory(origin(x), variable)) return;
  apply(assignOp, [x, variable], {});
}

function isSameMemory(x: Tensor, { region }: Variable): boolean {
  return x instanceof Variable && x.region.buffer === region.buffer &&
    x.region.offset === region.offset && x.region.length === region.length;
}
