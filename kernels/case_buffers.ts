/** Short constructors for the buffers of audit cases. */
import type { CaseBuffer } from "./kernel.ts";

/** `length` uniform reals in [low, high). */
export function uniform(length: number, low = -1, high = 1): CaseBuffer {
  return { length, fill: { kind: "uniform", low, high } };
}

/** `length` uniform integers in [low, high]. */
export function integers(length: number, low: number, high: number): CaseBuffer {
  return { length, fill: { kind: "integer", low, high } };
}

/** These values. */
export function values(list: ArrayLike<number>): CaseBuffer {
  return { length: list.length, fill: { kind: "values", values: list } };
}

/** A binding with access `"write"`: `length` elements that start poisoned. */
export function output(length: number): CaseBuffer {
  return { length };
}
