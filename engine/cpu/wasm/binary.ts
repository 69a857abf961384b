import type { Params } from "../../../kernels/kernel.ts";
import { BINARY } from "../../../kernels/binary.ts";
import { type Code, f32, f32x4, type FunctionBuilder, type Local, v128 } from "../assembler.ts";
import { elementwiseExtent, emitElementwise } from "./elementwise.ts";
import { logOnePlusExpOfMinusMagnitude } from "./exponential.ts";
import { NO_SCRATCH, type WasmKernel } from "./kernel.ts";

/** 1 in the lanes of all bits, else 0. */
const oneWhere = (lanes: Code) => v128.and(lanes, f32x4.splat(f32.const(1)));

/** The functions of two vectors. */
const FUNCTIONS: Readonly<Record<number, (a: Local, b: Local, f: FunctionBuilder) => Code>> = {
  [BINARY.add]: (a, b) => f32x4.add(a.get, b.get),
  [BINARY.sub]: (a, b) => f32x4.sub(a.get, b.get),
  [BINARY.mul]: (a, b) => f32x4.mul(a.get, b.get),
  [BINARY.div]: (a, b) => f32x4.div(a.get, b.get),
  // NaN where either is: always the same bits, which JavaScript does not promise.
  [BINARY.max]: (a, b) => f32x4.max(a.get, b.get),
  [BINARY.min]: (a, b) => f32x4.min(a.get, b.get),
  [BINARY.reluGradient]: (a, b) => v128.and(a.get, f32x4.gt(b.get, v128.zero)),
  [BINARY.greater]: (a, b) => oneWhere(f32x4.gt(a.get, b.get)),
  [BINARY.greaterEqual]: (a, b) =>
    oneWhere(v128.or(f32x4.gt(a.get, b.get), f32x4.eq(a.get, b.get))),
  [BINARY.binaryCrossEntropyWithLogits]: (a, b, f) =>
    f32x4.add(
      f32x4.sub(f32x4.max(a.get, v128.zero), f32x4.mul(a.get, b.get)),
      logOnePlusExpOfMinusMagnitude(f, a.get),
    ),
};

const entryOf = (op: number) => `binary_${op}`;
const scalarEntryOf = (op: number) => `binary_${op}_scalar`;

/** Whether an argument has the shape of the output. */
function hasOutputShape(params: Params, name: "a" | "b"): boolean {
  let stride = 1;
  for (let axis = 3; axis >= 0; axis--) {
    const size = params[`s${axis}`];
    // An axis of one element is never stepped along.
    if (size > 1 && params[`${name}${axis}`] !== stride) return false;
    stride *= size;
  }
  return true;
}

/** Whether `b` is one number for all elements. */
function hasScalar({ b0, b1, b2, b3 }: Params): boolean {
  return [b0, b1, b2, b3].every((stride) => stride === 0);
}

/** Arithmetic on arrays of one shape, or an array and a number; other broadcasts run as the reference. */
export const binary: WasmKernel = {
  emit(module) {
    for (const [op, value] of Object.entries(FUNCTIONS)) {
      emitElementwise(module, entryOf(Number(op)), {
        arrays: 2,
        outputs: [2],
        scalars: 0,
        compute: ([a, b, y], _scalars, f) => y.set(value(a, b, f)),
      });
      emitElementwise(module, scalarEntryOf(Number(op)), {
        arrays: 1,
        outputs: [1],
        scalars: 1,
        compute: ([a, y], [b], f) => y.set(value(a, b, f)),
      });
    }
  },
  supports: (params, { OP }) =>
    OP in FUNCTIONS && hasOutputShape(params, "a") &&
    (hasScalar(params) || hasOutputShape(params, "b")),
  scratch: () => NO_SCRATCH,
  passes(params, { OP }, { regions: [a, b, y] }) {
    const extent = elementwiseExtent(params.n);
    if (!hasScalar(params)) {
      return [{ entry: entryOf(OP), extent, parameters: [a, b, y, params.n] }];
    }
    return [{
      entry: scalarEntryOf(OP),
      extent,
      parameters: [a, y, params.n],
      current: (memory) => [new Float32Array(memory, b, 1)[0]],
    }];
  },
};
