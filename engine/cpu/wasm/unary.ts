import { UNARY } from "../../../kernels/unary.ts";
import { type Code, f32x4, type FunctionBuilder, type Local, v128 } from "../assembler.ts";
import { elementwiseExtent, emitElementwise } from "./elementwise.ts";
import { logOnePlusExpOfMinusMagnitude, sigmoid } from "./exponential.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** The functions that have vector instructions, of x and the parameters a and b. */
const FUNCTIONS: Readonly<
  Record<number, (x: Local, a: Local, b: Local, f: FunctionBuilder) => Code>
> = {
  [UNARY.copy]: (x) => x.get,
  [UNARY.affine]: (x, a, b) => f32x4.add(f32x4.mul(a.get, x.get), b.get),
  // All bits where x is not below 0, NaN included.
  [UNARY.relu]: (x) => v128.andNot(x.get, f32x4.gt(v128.zero, x.get)),
  [UNARY.sqrt]: (x) => f32x4.sqrt(x.get),
  [UNARY.square]: (x) => f32x4.mul(x.get, x.get),
  [UNARY.sigmoid]: (x, _a, _b, f) => sigmoid(f, x.get),
  [UNARY.softplus]: (x, _a, _b, f) =>
    f32x4.add(f32x4.max(x.get, v128.zero), logOnePlusExpOfMinusMagnitude(f, x.get)),
};

const entryOf = (op: number) => `unary_${op}`;

/** The unary functions that need no more than arithmetic; the others run as their references. */
export const unary: WasmKernel = {
  emit(module) {
    for (const [op, value] of Object.entries(FUNCTIONS)) {
      emitElementwise(module, entryOf(Number(op)), {
        arrays: 1,
        outputs: [1],
        scalars: 2,
        compute: ([x, y], [a, b], f) => y.set(value(x, a, b, f)),
      });
    }
  },
  supports: (_params, { OP }) => OP in FUNCTIONS,
  scratch: () => NO_SCRATCH,
  passes: ({ n, a, b }, { OP }, { regions }) => [{
    entry: entryOf(OP),
    extent: elementwiseExtent(n),
    parameters: [...regions, n, a, b],
  }],
};
