/** The rows of a run, as reports read them. */

/** Rows in the order of the codes. */
export interface RunRows {
  /** [n] what they are called: their ids, or else their numbers in the source. */
  readonly names: readonly string[];
  /** [n], in [0, K). */
  readonly labels: Uint32Array;
  /** [n] the names of their classes, where known. */
  readonly classes?: readonly string[];
  /** What {@linkcode values} are; absent where the run says nothing of it. */
  readonly certainty?: "confidence" | "margin";
  /** [n] how sure the labels are. */
  readonly values?: Float64Array;
  /** [n, p] row-major. */
  readonly codes: ArrayLike<number>;
  /** p */
  readonly codeSize: number;
}
