/**
 * Where rows are looked at from: about their mean and in a unit of their own, so that float32's digits
 * serve the differences between rows rather than what all of them share. Squared distances of
 * coordinates far from the origin lose all digits otherwise.
 */
import { momentsOf } from "./kmeans.ts";

/** rows = offset + unit · framed rows. */
export interface Frame {
  /** [d] the columns' means, rounded to float32. */
  readonly offset: Float32Array;
  /** A power of two; 1 unless the squares of the values would leave float32's range. */
  readonly unit: number;
}

/** Values about their mean whose squares, and sums of many, are safe in float32: 2⁻⁴⁰ to 2⁴⁰. */
const SAFE_EXPONENT = 40;

/** The frame of rows [n, d]. */
export function frameOf(data: Float32Array, d: number): Frame {
  const offset = Float32Array.from(momentsOf(data, d).means);
  let largest = 0;
  for (let row = 0; row < data.length; row += d) {
    for (let j = 0; j < d; j++) largest = Math.max(largest, Math.abs(data[row + j] - offset[j]));
  }
  const exponent = largest === 0 ? 0 : Math.ceil(Math.log2(largest));
  return { offset, unit: Math.abs(exponent) <= SAFE_EXPONENT ? 1 : 2 ** Math.min(exponent, 127) };
}

/** Rows [n, d] as they stand in the frame: differences in float64, rounded once. */
export function intoFrame(data: Float32Array, { offset, unit }: Frame): Float32Array {
  const d = offset.length;
  const framed = new Float32Array(data.length);
  for (let row = 0; row < data.length; row += d) {
    for (let j = 0; j < d; j++) framed[row + j] = (data[row + j] - offset[j]) / unit;
  }
  return framed;
}

/** Rows [n, d] out of the frame. */
export function outOfFrame(framed: Float32Array, { offset, unit }: Frame): Float32Array {
  return framed.map((value, i) => offset[i % offset.length] + unit * value);
}
