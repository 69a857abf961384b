/**
 * Parts of a measurement, one after another within a budget of time, each in a process of its own: one
 * that fails, hangs or takes the driver with it costs the others nothing but its time.
 */
import { readLines } from "../peer.ts";

/** A line of the results: a row of a part, its start or its end. */
export type Result = Readonly<Record<string, unknown>> & { readonly part: string };

/** How a part ended. */
export type Status = "done" | "out of time" | "failed" | "skipped";

/** What the schedule knows of a part. */
export interface Budgeted {
  /** Unlike all others'. */
  readonly name: string;
  /** Most seconds of a budget of {@linkcode FULL_SECONDS}; of another budget, as large a share. */
  readonly seconds: number;
}

/** What a schedule needs. */
export interface ScheduleOptions {
  /** Budget of all parts together. */
  readonly seconds: number;
  /** What Deno is to run for a part that has so many seconds; it prints a JSON object a line. */
  command(part: string, seconds: number): readonly string[];
  /** Takes a result as soon as there is one. */
  record(result: Result): Promise<void>;
}

/** The budget that the parts' seconds are shares of. */
export const FULL_SECONDS = 480;

/** Seconds after the end of its time in which a part may write down what it has; then it is killed. */
export const GRACE_SECONDS = 15;

/** Exit code of a part that has stopped because its time was over; as that of timeout(1). */
export const OUT_OF_TIME = 124;

/** A part with less time than this is not begun. */
const LEAST_SECONDS = 1;

/** Characters of what a failed part said last. */
const KEPT_ERRORS = 2000;

/** Seconds for a part, so that with its grace it ends before the budget does; 0: do not begin. */
export function limitOf({ seconds }: Budgeted, budget: number, left: number): number {
  const limit = Math.min(seconds * budget / FULL_SECONDS, left - GRACE_SECONDS);
  return limit < LEAST_SECONDS ? 0 : limit;
}

/** Runs the parts. @returns How each ended. */
export async function runSchedule(
  parts: readonly Budgeted[],
  options: ScheduleOptions,
): Promise<Map<string, Status>> {
  const started = performance.now();
  const ends = new Map<string, Status>();
  for (const part of parts) {
    const left = options.seconds - (performance.now() - started) / 1000;
    const limit = limitOf(part, options.seconds, left);
    const { status, ...more } = limit === 0
      ? { status: "skipped" as const, reason: `${left.toFixed(0)} s were left of the budget` }
      : await runPart(part.name, limit, options);
    ends.set(part.name, status);
    await options.record({ part: part.name, status, ...more });
  }
  return ends;
}

/** Runs one part to its end, or to that of its time. */
async function runPart(
  part: string,
  limit: number,
  { command, record }: ScheduleOptions,
): Promise<{ status: Status; seconds: number; reason?: string }> {
  const began = performance.now();
  await record({ part, started: new Date().toISOString(), limit });
  const child = new Deno.Command(Deno.execPath(), {
    args: [...command(part, limit)],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let isKilled = false;
  const timer = setTimeout(() => {
    isKilled = true;
    child.kill("SIGKILL");
  }, 1000 * (limit + GRACE_SECONDS));
  for await (const line of readLines(child.stdout)) await record({ part, ...parsed(line) });
  const { code } = await child.status;
  clearTimeout(timer);
  const seconds = (performance.now() - began) / 1000;
  if (code === 0) return { status: "done", seconds };
  if (code === OUT_OF_TIME) return { status: "out of time", seconds };
  if (isKilled) {
    const reason = `killed ${GRACE_SECONDS} s after the end of its time`;
    return { status: "out of time", seconds, reason };
  }
  const reason = (await errors).trim().slice(-KEPT_ERRORS) || `exit code ${code}`;
  return { status: "failed", seconds, reason };
}

/** A row, or what a driver has printed between the rows. */
function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line);
  } catch {
    return { output: line };
  }
}
