/**
 * Fair timing of several ways to do the same work: they take turns in one run, and medians and best
 * times of the rounds are compared. Used by every benchmark here.
 */

/** What one measurement of a contender gave. */
export interface Measurement {
  /** Wall time of the whole measurement. */
  readonly seconds: number;
  /** What the work came to (a loss, an inertia), where the contender says it. */
  readonly value?: number;
}

/** Something whose work is timed. */
export interface Contender {
  /** As the table prints it. */
  readonly name: string;
  /** Does the work `count` times and waits for the end. */
  run(count: number): Promise<Measurement>;
  /** Frees what it holds. */
  close(): Promise<void>;
}

/** How long and how often to measure. */
export interface Rounds {
  /** Rounds in which every contender has its turn. */
  readonly rounds: number;
  /** Wall time that one measurement should take, in seconds; 0.4 by default. */
  readonly seconds?: number;
  /** Aborted: no further round is begun, after the first. */
  readonly signal?: AbortSignal;
}

/** The times of one contender, each that of one unit of work. */
export interface Timing {
  readonly medianMs: number;
  readonly bestMs: number;
  /** Units of work in one measurement. */
  readonly count: number;
  /** Measurements; slow contenders get fewer. */
  readonly rounds: number;
  /** What its first unit of work came to; NaN where it does not say. */
  readonly value: number;
}

/** A unit of work that takes longer than this is measured in the first rounds alone. */
const SLOW_SECONDS = 1;
const SLOW_ROUNDS = 3;

/** Between two turns: thread pools that spin for a while after their work come to rest. */
const PAUSE_MS = 50;

/** Times the contenders in turns, after some work of each. The order of the result is theirs. */
export async function alternate(
  contenders: readonly Contender[],
  { rounds, seconds = 0.4, signal }: Rounds,
): Promise<Timing[]> {
  const entries = [];
  for (const contender of contenders) {
    entries.push({ contender, ...await calibrate(contender, seconds), times: [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    if (round > 0 && signal?.aborted) break;
    for (const { contender, count, slow, times } of entries) {
      if (slow && round >= SLOW_ROUNDS) continue;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      times.push(1000 * (await contender.run(count)).seconds / count);
    }
  }
  return entries.map(({ count, times, value }) => ({
    medianMs: median(times),
    bestMs: Math.min(...times),
    count,
    rounds: times.length,
    value,
  }));
}

/** How many units of work take about `seconds`, and what the first one came to. */
async function calibrate(
  contender: Contender,
  seconds: number,
): Promise<{ count: number; slow: boolean; value: number }> {
  let first: number | undefined;
  for (let count = 1;; count *= 2) {
    const { seconds: taken, value = NaN } = await contender.run(count);
    first ??= value;
    if (taken < seconds / 2) continue;
    return {
      count: Math.max(1, Math.round(count * seconds / taken)),
      slow: taken / count > SLOW_SECONDS,
      value: first,
    };
  }
}

/** The middle of the sorted values; the mean of the two middle ones for an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Where and of what a measurement is: goes on top of every recorded result. */
export async function circumstances(): Promise<Record<string, unknown>> {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: await output("git", "describe", "--always", "--dirty", "--exclude=*"),
    machine: `${await processor()}, ${navigator.hardwareConcurrency} cores`,
    deno: Deno.version.deno,
  };
}

/** What a command prints, without white space around it; empty where it cannot run. */
async function output(command: string, ...args: string[]): Promise<string> {
  try {
    const { stdout } = await new Deno.Command(command, { args, stderr: "null" }).output();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return "";
  }
}

/** "AMD EPYC". */
async function processor(): Promise<string> {
  const info = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  return /model name\s*:\s*(.*)/.exec(info)?.[1].trim() ?? Deno.build.arch;
}

/** Writes `bench/results/NAME.json`. */
export async function save(name: string, report: unknown): Promise<void> {
  const folder = new URL("./results/", import.meta.url);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL(`${name}.json`, folder), `${JSON.stringify(report, null, 2)}\n`);
}
