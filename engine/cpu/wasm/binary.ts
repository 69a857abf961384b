import type { Params } from "../../../kernels/kernel.ts";
import { BINARY } from "../../../kernels/binary.ts";
import {
  bytes,
  type Code,
  f32,
  f32x4,
  forLoop,
  type FunctionBuilder,
  i32,
  type Local,
  type ModuleBuilder,
  sequence,
  v128,
  when,
  whileLoop,
} from "../assembler.ts";
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

const rowsEntryOf = (op: number) => `binary_${op}_rows`;

/** The functions that have a version for any broadcast. */
const BROADCAST: readonly number[] = [BINARY.add, BINARY.sub, BINARY.mul];

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

/** Whether the arguments are arrays of the output's shape, or such an array and a number. */
function isAlike(params: Params): boolean {
  return hasOutputShape(params, "a") && (hasScalar(params) || hasOutputShape(params, "b"));
}

/** Along the innermost axis, whether each argument goes on. */
function steps({ s3, a3, b3 }: Params): readonly [a: number, b: number] {
  return s3 === 1 ? [1, 1] : [a3, b3];
}

function hasRows(params: Params): boolean {
  const [a, b] = steps(params);
  return params.n > 0 && a <= 1 && b <= 1;
}

/** Arithmetic on arrays of one shape, an array and a number, and some of it on any broadcast. */
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
    for (const op of BROADCAST) emitRows(module, rowsEntryOf(op), FUNCTIONS[op]);
  },
  supports: (params, { OP }) =>
    OP in FUNCTIONS && isAlike(params) || BROADCAST.includes(OP) && hasRows(params),
  scratch: () => NO_SCRATCH,
  passes(params, { OP }, { regions: [a, b, y] }) {
    if (!isAlike(params)) {
      const { n, s1, s2, s3, a0, a1, a2, b0, b1, b2 } = params;
      const strides = [s1, s2, s3, a0, a1, a2, b0, b1, b2, ...steps(params)];
      return [{ entry: rowsEntryOf(OP), extent: n / s3, parameters: [a, b, y, ...strides] }];
    }
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

/**
 * Adds `entry(a, b, y, s1, s2, s3, a0, a1, a2, b0, b1, b2, aSteps, bSteps, begin, end)` over rows of the
 * innermost axis, along which each argument goes on, or is one number.
 */
function emitRows(
  module: ModuleBuilder,
  entry: string,
  value: (a: Local, b: Local, f: FunctionBuilder) => Code,
): void {
  module.function(entry, (f) => {
    const p = f.parameters(
      "i32",
      "a",
      "b",
      "y",
      "s1",
      "s2",
      "s3",
      "a0",
      "a1",
      "a2",
      "b0",
      "b1",
      "b2",
      "aSteps",
      "bSteps",
      "begin",
      "end",
    );
    const [rest, i0, i1, i2, fromA, fromB, to, stop] = f.localArray("i32", 8);
    const [a, b] = f.localArray("v128", 2);
    const placeOf = (base: Local, ...strides: Local[]) =>
      [i0, i1, i2].reduce(
        (place, i, axis) => i32.add(place, bytes(i32.mul(i.get, strides[axis].get))),
        base.get,
      );
    /** The row, with the arguments that go on. */
    const row = (steps: { readonly a: boolean; readonly b: boolean }) => {
      const turn = (width: number, load: typeof v128.load, store: typeof v128.store) =>
        whileLoop(
          i32.leU(i32.add(to.get, i32.const(4 * width)), stop.get),
          sequence(
            ...(steps.a ? [a.set(load(fromA.get)), fromA.increase(4 * width)] : []),
            ...(steps.b ? [b.set(load(fromB.get)), fromB.increase(4 * width)] : []),
            store(to.get, value(a, b, f)),
            to.increase(4 * width),
          ),
        );
      return sequence(
        ...(steps.a ? [] : [a.set(v128.load32Splat(fromA.get))]),
        ...(steps.b ? [] : [b.set(v128.load32Splat(fromB.get))]),
        turn(4, v128.load, v128.store),
        turn(1, v128.load32Splat, v128.storeLane0),
      );
    };
    return forLoop(
      p.begin,
      p.end.get,
      1,
      sequence(
        rest.set(i32.divU(p.begin.get, p.s2.get)),
        i2.set(i32.sub(p.begin.get, i32.mul(rest.get, p.s2.get))),
        i0.set(i32.divU(rest.get, p.s1.get)),
        i1.set(i32.sub(rest.get, i32.mul(i0.get, p.s1.get))),
        fromA.set(placeOf(p.a, p.a0, p.a1, p.a2)),
        fromB.set(placeOf(p.b, p.b0, p.b1, p.b2)),
        to.set(i32.add(p.y.get, bytes(i32.mul(p.begin.get, p.s3.get)))),
        stop.set(i32.add(to.get, bytes(p.s3.get))),
        when(
          p.bSteps.get,
          when(p.aSteps.get, row({ a: true, b: true }), row({ a: false, b: true })),
          when(p.aSteps.get, row({ a: true, b: false }), row({ a: false, b: false })),
        ),
      ),
    );
  });
}
