/** What a kernel left in its buffers against what it should have left. */
import type { Binding, Kernel, NumberArray, Tolerance } from "../../kernels/kernel.ts";
import type { AuditCase } from "./fill.ts";
import { SENTINELS, UNTOUCHED } from "./fill.ts";

/**
 * What went wrong: a result outside the tolerance (`"value"`), a write outside the region
 * (`"sentinel"`), an input that changed, an output that was not written, a shader that does not
 * compile, or a run that failed.
 */
export type BreachKind =
  | "value"
  | "sentinel"
  | "input-overwritten"
  | "unwritten"
  | "compile"
  | "failure";

/** One thing that is wrong with one binding in one case. */
export interface Breach {
  /** What went wrong. */
  readonly kind: BreachKind;
  /** The case's name; empty where all cases are concerned. */
  readonly case: string;
  /** For people: binding, index, what was found and what was expected. */
  readonly message: string;
}

/** The result that is farthest from the reference, as a fraction of what is allowed. */
export interface WorstError {
  /** |actual − expected|. */
  readonly error: number;
  /** absolute + relative · |expected|. */
  readonly limit: number;
  /** error / limit; 0 where both are. */
  readonly fraction: number;
  /** The case's name. */
  readonly case: string;
  /** The binding's name. */
  readonly binding: string;
  /** Element of the binding. */
  readonly index: number;
  /** What the device gave. */
  readonly actual: number;
  /** What the reference gives. */
  readonly expected: number;
}

/** Smallest normal float32. WGSL lets devices flush what is below it to zero. */
const MIN_NORMAL = 2 ** -126;

/** A place where something is wrong, and how often it is. */
interface Finding {
  index: number;
  count: number;
}

/**
 * Compares the words of all buffers after the run with the case's expectation.
 * @returns the breaches, and the worst error of all elements of all outputs, if there are any.
 */
export function compareCase(
  kernel: Kernel,
  auditCase: AuditCase,
  after: readonly Uint32Array[],
): { breaches: Breach[]; worst: WorstError | undefined } {
  const { testCase, images, expected } = auditCase;
  const tolerance = kernel.tolerance(testCase);
  const breaches: Breach[] = [];
  let worst: WorstError | undefined;
  for (const [i, binding] of kernel.bindings.entries()) {
    const report = (kind: BreachKind, { index, count }: Finding, detail: string) => {
      const more = count > 1 ? ` (and ${count - 1} more)` : "";
      const message = `${binding.name}[${index}]: ${detail}${more}`;
      breaches.push({ kind, case: testCase.name, message });
    };
    const zone = changedOutside(images[i], after[i]);
    if (zone !== undefined) {
      const length = expected[i].length;
      report("sentinel", zone, `written outside of the ${length} elements of the region`);
    }
    if (binding.access === "read") {
      const changed = changedInside(images[i], after[i]);
      if (changed !== undefined) report("input-overwritten", changed, "a read-only input changed");
      continue;
    }
    const isPoisoned = testCase.buffers[i].fill === undefined;
    const before = isPoisoned ? images[i] : undefined;
    const result = compareOutput(binding, expected[i], after[i], tolerance, before);
    const { unwritten, strayed, outside } = result;
    if (unwritten !== undefined) report("unwritten", unwritten, "not written");
    if (strayed !== undefined) {
      report("value", strayed, "written, which the reference leaves as it is");
    }
    if (result.worst !== undefined) {
      const found = { ...result.worst, case: testCase.name, binding: binding.name };
      const { actual, error, limit } = found;
      if (outside > 0) {
        report(
          "value",
          { index: found.index, count: outside },
          `${actual}, expected ${found.expected}; error ${error}, limit ${limit}`,
        );
      }
      worst = worseOf(worst, found);
    }
  }
  return { breaches, worst };
}

/** The one with the larger fraction, the first of equals. */
export function worseOf(
  a: WorstError | undefined,
  b: WorstError | undefined,
): WorstError | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return b.fraction > a.fraction ? b : a;
}

interface OutputComparison {
  unwritten: Finding | undefined;
  strayed: Finding | undefined;
  /** Elements outside the tolerance. */
  outside: number;
  worst: Omit<WorstError, "case" | "binding"> | undefined;
}

/** `poisoned` is the buffer before the run where it held nothing of use. */
function compareOutput(
  binding: Binding,
  expected: NumberArray,
  after: Uint32Array,
  tolerance: Tolerance,
  poisoned: Uint32Array | undefined,
): OutputComparison {
  const isReal = binding.type === "f32";
  const { absolute, relative } = isReal ? tolerance : { absolute: 0, relative: 0 };
  const poison = poisoned?.[SENTINELS];
  const untouched = isReal ? UNTOUCHED : poison;
  const words = after.subarray(SENTINELS, SENTINELS + expected.length);
  const values = isReal ? new Float32Array(words.buffer, words.byteOffset, words.length) : words;
  const result: OutputComparison = {
    unwritten: undefined,
    strayed: undefined,
    outside: 0,
    worst: undefined,
  };
  let worstFraction = -1;
  for (let i = 0; i < expected.length; i++) {
    if (poisoned !== undefined && (words[i] === poison || expected[i] === untouched)) {
      if (words[i] !== poison) result.strayed = counted(result.strayed, i);
      else if (expected[i] !== untouched) result.unwritten = counted(result.unwritten, i);
      continue;
    }
    const error = isReal ? realError(values[i], expected[i]) : Math.abs(values[i] - expected[i]);
    const limit = absolute + relative * Math.abs(expected[i]);
    const fraction = error === 0 ? 0 : error / limit;
    if (!(fraction <= 1)) result.outside++;
    // An error that is NaN or infinite is the worst of all, and the first such one is kept.
    const rank = Number.isNaN(fraction) ? Infinity : fraction;
    if (rank > worstFraction) {
      worstFraction = rank;
      const [actual, reference] = [values[i], expected[i]];
      result.worst = { error, limit, fraction: rank, index: i, actual, expected: reference };
    }
  }
  return result;
}

/** |actual − expected|, as float32 can do no better: NaN, overflow and underflow are matched. */
function realError(actual: number, expected: number): number {
  const error = Math.abs(actual - expected);
  if (Number.isFinite(error)) {
    const isFlushed = Math.abs(expected) < MIN_NORMAL && Math.abs(actual) <= MIN_NORMAL;
    return isFlushed ? 0 : error;
  }
  return Object.is(actual, Math.fround(expected)) ? 0 : Infinity;
}

/** Changes in the zones before and after the region, by index relative to it. */
function changedOutside(before: Uint32Array, after: Uint32Array): Finding | undefined {
  const end = before.length - SENTINELS;
  let finding: Finding | undefined;
  for (let i = 0; i < before.length; i++) {
    if (i === SENTINELS) i = end;
    if (before[i] !== after[i]) finding = counted(finding, i - SENTINELS);
  }
  return finding;
}

function changedInside(before: Uint32Array, after: Uint32Array): Finding | undefined {
  let finding: Finding | undefined;
  for (let i = SENTINELS; i < before.length - SENTINELS; i++) {
    if (before[i] !== after[i]) finding = counted(finding, i - SENTINELS);
  }
  return finding;
}

function counted(finding: Finding | undefined, index: number): Finding {
  return finding === undefined ? { index, count: 1 } : { ...finding, count: finding.count + 1 };
}
