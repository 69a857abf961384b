/** Shapes: pure functions on lists of sizes. A scalar has the shape `[]`. */

/** Sizes of the axes, outermost first. */
export type Shape = readonly number[];

/** Number of elements: the product of the sizes, 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** `[2, 3]`, for messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Whether both have the same sizes in the same order. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * Checks that every size is a non-negative integer.
 * @throws {RangeError} naming the shape and the bad size.
 */
export function checkShape(shape: Shape, what: string): void {
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw new RangeError(
        `${what}: the shape ${formatShape(shape)} has the size ${size}; sizes are integers ≥ 0`,
      );
    }
  }
}

/**
 * The common shape of two operands: aligned at the last axis, sizes equal or 1.
 * @throws {RangeError} naming both shapes where they do not fit.
 */
export function broadcastShapes(a: Shape, b: Shape, what = "broadcast"): number[] {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const sizeA = a[axis - rank + a.length] ?? 1;
    const sizeB = b[axis - rank + b.length] ?? 1;
    if (sizeA !== sizeB && sizeA !== 1 && sizeB !== 1) {
      throw new RangeError(
        `${what}: the shapes ${formatShape(a)} and ${formatShape(b)} do not fit ` +
          `(sizes ${sizeA} and ${sizeB} at axis ${axis}); aligned at the last axis, ` +
          `sizes must be equal or 1`,
      );
    }
    result.push(sizeA === 1 ? sizeB : sizeA);
  }
  return result;
}

/** Element strides of a row-major array of `shape`. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

/** Strides by which an operand of `shape` is read at positions of `result`; 0 where broadcast. */
export function broadcastStrides(shape: Shape, result: Shape): number[] {
  const strides = stridesOf(shape);
  return result.map((_, axis) => {
    const own = axis - result.length + shape.length;
    return own < 0 || shape[own] === 1 ? 0 : strides[own];
  });
}

/** A contiguous range of axes seen as the middle of `[outer, n, inner]`. */
export interface AxisRange {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  /** The shape that is left when the range is reduced away. */
  readonly rest: number[];
}

/**
 * Views `shape` as [outer, n, inner], with n the product of the axes `from` ≤ axis < `to`.
 * @throws {RangeError} where the range is not within the shape.
 */
export function axisRange(shape: Shape, from: number, to: number): AxisRange {
  if (!(from >= 0 && from <= to && to <= shape.length)) {
    throw new RangeError(
      `axes ${from} to ${to} are not within the shape ${formatShape(shape)}`,
    );
  }
  return {
    outer: sizeOf(shape.slice(0, from)),
    n: sizeOf(shape.slice(from, to)),
    inner: sizeOf(shape.slice(to)),
    rest: [...shape.slice(0, from), ...shape.slice(to)],
  };
}
