import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { add, div, maximum, mul } from "../engine/ops/binary.ts";
import { broadcastTo, sum, sumTo } from "../engine/ops/sum.ts";
import { dense, denseInputGradient, denseWeightGradient } from "../engine/ops/dense.ts";
import { interpolate, interpolateReversed } from "../engine/ops/interpolate.ts";
import { softAssign } from "../engine/ops/assignment.ts";
import { reshape } from "../engine/ops/reshape.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { trace } from "../engine/planner/program.ts";
import { RandomStream } from "../engine/random.ts";
import {
  axisRange,
  broadcastShapes,
  broadcastStrides,
  checkShape,
  formatShape,
  sameShape,
  type Shape,
  sizeOf,
  stridesOf,
} from "../engine/tensor/shape.ts";
import { State } from "../engine/state/state.ts";
import { Tensor } from "../engine/tensor/tensor.ts";

const shapes = fc.array(fc.constantFrom(0, 1, 1, 2, 3), { maxLength: 4 });
const filledShapes = fc.array(fc.constantFrom(1, 1, 2, 3), { maxLength: 4 });

/** The broadcast shape, or undefined where there is none. */
function common(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  try {
    return a && b && broadcastShapes(a, b);
  } catch (error) {
    assert(error instanceof RangeError);
    return undefined;
  }
}

/** Two shapes that broadcast against one another: a whole one and holes in two copies of it. */
const fittingPairs = fc.tuple(filledShapes, fc.nat(255), fc.nat(4)).map(
  ([whole, holes, cut]) => {
    const pierced = (bits: number) => whole.map((size, axis) => ((bits >> axis) & 1 ? 1 : size));
    return { a: pierced(holes), b: pierced(holes >> 4).slice(Math.min(cut, whole.length)) };
  },
);

/** All positions of a shape, in row-major order. */
function positions(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (all, size) => all.flatMap((start) => Array.from({ length: size }, (_, i) => [...start, i])),
    [[]],
  );
}

function offset(position: readonly number[], strides: readonly number[]): number {
  return position.reduce((total, index, axis) => total + index * strides[axis], 0);
}

Deno.test("broadcasting is commutative, idempotent and associative", () => {
  fc.assert(fc.property(shapes, shapes, shapes, (a, b, c) => {
    assertEquals(common(a, b), common(b, a));
    assertEquals(common(a, a), a);
    assertEquals(common(common(a, b), c), common(a, common(b, c)));
  }));
});

Deno.test("scalars and leading ones do not change a broadcast shape", () => {
  fc.assert(fc.property(shapes, fc.nat(2), (a, ones) => {
    assertEquals(broadcastShapes(a, []), a);
    const widened = [...Array(ones).fill(1), ...a];
    assertEquals(broadcastShapes(a, widened), widened);
  }));
});

Deno.test("each operand has at most the elements of the broadcast shape", () => {
  fc.assert(fc.property(fittingPairs, ({ a, b }) => {
    const result = broadcastShapes(a, b);
    assertEquals(result.length, Math.max(a.length, b.length));
    assert(sizeOf(result) % sizeOf(a) === 0 && sizeOf(result) % sizeOf(b) === 0);
  }));
});

Deno.test("shapes that do not fit are an error that names both, and the sizes", () => {
  const error = assertThrows(() => broadcastShapes([2, 3], [4, 3], "add"), RangeError);
  for (const part of ["add", "[2, 3]", "[4, 3]", "2 and 4", "axis 0"]) {
    assertStringIncludes(error.message, part);
  }
});

Deno.test("row-major strides number the positions 0, 1, 2, …", () => {
  fc.assert(fc.property(shapes, (shape) => {
    const strides = stridesOf(shape);
    assertEquals(
      positions(shape).map((position) => offset(position, strides)),
      Array.from({ length: sizeOf(shape) }, (_, i) => i),
    );
  }));
});

Deno.test("broadcast strides read element (index modulo size) of every axis", () => {
  fc.assert(fc.property(fittingPairs, ({ a, b }) => {
    const result = broadcastShapes(a, b);
    for (const operand of [a, b]) {
      const strides = broadcastStrides(operand, result);
      const own = stridesOf(operand);
      const lead = result.length - operand.length;
      for (const position of positions(result)) {
        const folded = position.slice(lead).map((index, axis) => index % operand[axis]);
        assertEquals(offset(position, strides), offset(folded, own));
      }
    }
  }));
});

Deno.test("a range of axes splits a shape in three and leaves the rest", () => {
  fc.assert(fc.property(filledShapes, fc.nat(4), fc.nat(4), (shape, x, y) => {
    const [from, to] = [Math.min(x, y), Math.max(x, y)];
    if (to > shape.length) {
      assertThrows(() => axisRange(shape, from, to), RangeError, formatShape(shape));
      return;
    }
    const { outer, n, inner, rest } = axisRange(shape, from, to);
    assertEquals(outer * n * inner, sizeOf(shape));
    assertEquals(sizeOf(rest), outer * inner);
    assertEquals(rest.length, shape.length - (to - from));
  }));
});

Deno.test("sizes are integers of at least 0; a scalar has one element", () => {
  assertEquals(sizeOf([]), 1);
  assertEquals(sizeOf([3, 0]), 0);
  checkShape([0, 1, 2], "x");
  for (const bad of [-1, 1.5, NaN, Infinity]) {
    assertThrows(() => checkShape([2, bad], "x"), RangeError, `x: the shape [2, ${bad}]`);
  }
  assert(sameShape([], []) && sameShape([2, 3], [2, 3]));
  assert(!sameShape([2, 3], [3, 2]) && !sameShape([1], []));
});

Deno.test("traced ops name the shapes that do not fit", () => {
  const tensor = (...shape: number[]) => new Tensor(shape, "f32");
  const cases: [make: () => unknown, ...parts: string[]][] = [
    [() => add(tensor(2, 3), tensor(4)), "add", "[2, 3]", "[4]"],
    [() => mul(tensor(5, 1, 2), tensor(4, 3)), "mul", "[5, 1, 2]", "[4, 3]"],
    [() => div(tensor(2), tensor(3)), "div", "[2]", "[3]"],
    [() => maximum(tensor(2, 2), tensor(3, 3)), "max", "[2, 2]", "[3, 3]"],
    [() => add(tensor(1, 1, 1, 1, 2), tensor(2)), "add", "4 axes", "[1, 1, 1, 1, 2]", "[2]"],
    [() => dense(tensor(2, 3), tensor(4, 5)), "dense", "[2, 3]", "[4, 5]"],
    [() => dense(tensor(2, 3), tensor(3, 5), tensor(4)), "dense", "[5]", "[4]"],
    [() => dense(tensor(3), tensor(3, 5)), "dense", "2 axes", "[3]"],
    [() => denseInputGradient(tensor(2, 3), tensor(4, 5)), "[2, 3]", "[4, 5]"],
    [() => denseWeightGradient(tensor(2, 3), tensor(4, 5)), "[2, 3]", "[4, 5]"],
    [() => squaredError(tensor(2, 3), tensor(3, 2)), "squaredError", "[2, 3]", "[3, 2]"],
    [() => reshape(tensor(2, 3), [4]), "reshape", "[2, 3]", "[4]"],
    [() => broadcastTo(tensor(2, 3), [2, 4]), "broadcast", "[2, 3]", "[2, 4]"],
    [() => broadcastTo(tensor(2, 3), [3]), "broadcast", "[2, 3]", "[3]"],
    [() => interpolateReversed(tensor(2, 3), tensor(3)), "[2]", "[3]"],
    [() => interpolate(tensor(2, 3), tensor(2, 4), tensor(2)), "[2, 3]", "[2, 4]"],
    [() => softAssign(tensor(5, 2), tensor(4, 3)), "softAssign", "[4, 2]", "[4, 3]"],
    [() => sum(tensor(2, 3), 1, 4), "[2, 3]", "1 to 4"],
  ];
  for (const [make, ...parts] of cases) {
    const { message } = assertThrows(make, RangeError);
    for (const part of parts) assertStringIncludes(message, part);
  }
  const error = assertThrows(() => add(tensor(2), new Tensor([2], "u32")), TypeError);
  assertStringIncludes(error.message, "u32[2]");
});

Deno.test("broadcast arithmetic reads the elements that the strides say", async () => {
  await fc.assert(
    fc.asyncProperty(fittingPairs, fc.nat(), async ({ a, b }, seed) => {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      const random = new RandomStream(seed, 1);
      const drawn = (shape: Shape) =>
        Float32Array.from({ length: sizeOf(shape) }, () => random.below(19) - 9);
      const [dataA, dataB] = [drawn(a), drawn(b)];
      const x = state.variable("a", a, { data: dataA });
      const y = state.variable("b", b, { data: dataB });
      const shape = broadcastShapes(a, b);
      using program = await trace(oracle, () => ({
        total: add(x, y),
        wide: broadcastTo(x, shape),
        narrow: sumTo(add(x, y), b),
      }));
      program.run();
      const { total, wide, narrow } = await program.read();
      const [stridesA, stridesB] = [broadcastStrides(a, shape), broadcastStrides(b, shape)];
      const sums = new Float64Array(sizeOf(b));
      const expected = positions(shape).map((position) => {
        const value = dataA[offset(position, stridesA)] + dataB[offset(position, stridesB)];
        sums[offset(position, stridesB)] += value;
        return value;
      });
      assertEquals([...total], expected);
      assertEquals([...wide], positions(shape).map((p) => dataA[offset(p, stridesA)]));
      assertEquals([...narrow], [...sums]);
    }),
    { numRuns: 200 },
  );
});
