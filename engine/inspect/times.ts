/** Where the time of a program goes, as text. */
import type { PassTime, ReplayTimes, Roofline } from "../backend/backend.ts";
import type { Program } from "../planner/program.ts";
import { formatCount, formatNumber, formatTable } from "./text.ts";
import { type CallDescription, formatShapes, type PlanDescription } from "./plan.ts";

/** A program and how long its replays have taken. */
export interface ProgramTimes {
  /** What it consists of. */
  readonly plan: PlanDescription;
  /** How long its passes took. */
  readonly times: ReplayTimes;
}

/** The times of programs that are the same, added up. */
export function addTimes(programs: readonly ProgramTimes[]): ProgramTimes[] {
  const sums = new Map<string, ProgramTimes>();
  for (const { plan, times } of programs) {
    const key = JSON.stringify([plan.label, plan.calls]);
    const sum = sums.get(key);
    sums.set(key, sum ? { plan, times: add(sum.times, times) } : { plan, times });
  }
  return [...sums.values()].filter(({ times }) => times.steps > 0);
}

function add(a: ReplayTimes, b: ReplayTimes): ReplayTimes {
  const passes = a.passes && b.passes && a.passes.map((pass, i) => addPass(pass, b.passes![i]));
  const sum = { steps: a.steps + b.steps, seconds: a.seconds + b.seconds };
  return { ...sum, ...(passes ? { passes } : {}) };
}

function addPass(a: PassTime, b: PassTime): PassTime {
  return { seconds: a.seconds + b.seconds, waiting: a.waiting + b.waiting };
}

/** How long the calls of one kernel take in a step. */
export interface KernelTime {
  /** The kernel's name. */
  readonly kernel: string;
  /** Its calls in a step. */
  readonly calls: number;
  /** Of all of them together, waiting included: the mean over the timed steps. */
  readonly milliseconds: number;
}

/** How long the steps of programs take that take turns. */
export interface StepTimes {
  /** Steps that were timed. */
  readonly steps: number;
  /** The slowest first. */
  readonly kernels: readonly KernelTime[];
}

/** Undefined where the device times no passes, and where no step was timed. */
export async function stepTimesOf(programs: Iterable<Program>): Promise<StepTimes | undefined> {
  const sums = new Map<string, { calls: number; seconds: number }>();
  let steps = 0;
  for (const program of programs) {
    const { plan, passes } = program;
    const times = program.isTimed ? await program.times() : undefined;
    if (times?.passes === undefined) continue;
    steps += times.steps;
    const sumsByCall = plan.calls.map(({ kernel: { name } }) => {
      const sum = sums.get(name) ?? { calls: 0, seconds: 0 };
      sums.set(name, sum);
      sum.calls += times.steps;
      return sum;
    });
    passes.forEach(({ call }, i) => sumsByCall[call].seconds += times.passes![i].seconds);
  }
  if (steps === 0) return undefined;
  const kernels = [...sums].map(([kernel, { calls, seconds }]) => {
    return { kernel, calls: calls / steps, milliseconds: 1000 * seconds / steps };
  });
  return { steps, kernels: kernels.sort((a, b) => b.milliseconds - a.milliseconds) };
}

/** The least that something takes on a device, and what it took. */
interface Work {
  readonly flops: number;
  readonly bytes: number;
  readonly passes: readonly PassTime[];
}

/**
 * Times by call and by kernel. The share of the limit is the time that the device would need at
 * least, for the arithmetic or for the traffic, whichever takes longer, over the time that it took.
 * It exceeds 100 % where data stay in caches.
 */
export function formatTimes({ plan, times }: ProgramTimes, roofline?: Roofline): string {
  const { steps, seconds, passes } = times;
  const title = `${plan.label}: ${formatCount(steps)} steps in ${formatNumber(seconds)} s, ` +
    `${formatNumber((1000 * seconds) / steps)} ms a step`;
  if (passes === undefined) return `${title}; this device cannot time passes\n`;
  const figures = (work: Work) => formatFigures(work, times, roofline);
  const calls = worksOf(plan.calls, passes);
  const header = roofline ? [...FIGURES, "of limit"] : FIGURES;
  const rows = calls.flatMap(({ call, ...work }, i) => [
    [String(i), call.kernel, formatShapes(call), ...figures(work)],
    ...(call.variants.length > 1 ? call.variants : []).map((variant, j) => [
      "",
      `  ${variant}`,
      "",
      ...figures({ flops: 0, bytes: 0, passes: [work.passes[j]] }),
    ]),
  ]);
  const kernels = Map.groupBy(calls, ({ call }) => call.kernel);
  const sums = [...kernels].map(([kernel, works]) => ({ kernel, works, sum: sumOf(works) }))
    .sort((a, b) => secondsOf(b.sum) - secondsOf(a.sum))
    .map(({ kernel, works, sum }) => [kernel, String(works.length), ...figures(sum)]);
  const all = ["all", String(calls.length), ...figures(sumOf(calls))];
  return `${title}\n${formatTable(["call", "kernel", "shapes", ...header], rows)}\n\n` +
    `${formatTable(["kernel", "calls", ...header], [...sums, all])}\n`;
}

/** What the shares of the limit refer to. */
export function formatRoofline({ flops, bytes }: Roofline): string {
  return `limit, measured on this device now: ${
    formatNumber(flops / 1e9)
  } GFLOP/s of multiply-adds ` +
    `on registers, ${formatNumber(bytes / 1e9)} GB/s of a copy larger than the caches\n`;
}

const FIGURES = ["total ms", "ms a step", "waiting", "share", "GFLOP/s", "GB/s"];

function formatFigures(
  work: Work,
  { steps, seconds: whole }: ReplayTimes,
  roofline?: Roofline,
): string[] {
  const seconds = secondsOf(work);
  const waiting = work.passes.reduce((sum, pass) => sum + pass.waiting, 0);
  const rate = (amount: number) =>
    amount === 0 || seconds === 0 ? "" : ((amount * steps) / seconds / 1e9).toFixed(1);
  const { flops, bytes } = work;
  const least = roofline ? steps * Math.max(flops / roofline.flops, bytes / roofline.bytes) : 0;
  return [
    (1000 * seconds).toFixed(1),
    ((1000 * seconds) / steps).toFixed(3),
    waiting === 0 ? "" : ((1000 * waiting) / steps).toFixed(3),
    percent(seconds / whole),
    rate(flops),
    rate(bytes),
    ...(roofline ? [least === 0 || seconds === 0 ? "" : percent(least / seconds)] : []),
  ];
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "";
}

/** Each call with its passes, which stand in the order of the calls. */
function worksOf(calls: readonly CallDescription[], passes: readonly PassTime[]) {
  let next = 0;
  return calls.map((call) => {
    const { flops, bytes, variants } = call;
    return { call, flops, bytes, passes: passes.slice(next, next += variants.length) };
  });
}

function sumOf(works: readonly Work[]): Work {
  return {
    flops: works.reduce((sum, { flops }) => sum + flops, 0),
    bytes: works.reduce((sum, { bytes }) => sum + bytes, 0),
    passes: works.flatMap(({ passes }) => passes),
  };
}

function secondsOf({ passes }: Work): number {
  return passes.reduce((sum, { seconds }) => sum + seconds, 0);
}
