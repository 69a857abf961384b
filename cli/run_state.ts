/** How far a run is, by its folder. */
import { RunFolder } from "./run_folder.ts";
import type { RunRecord } from "./run_record.ts";
import { formatDuration } from "./terminal.ts";

/** How far a run is. */
export interface RunState {
  /** A run that was killed is `stopped`; one whose `run.json` cannot be read is `damaged`. */
  readonly status:
    | "not started"
    | "running"
    | "stopped"
    | "interrupted"
    | "failed"
    | "damaged"
    | "finished";
  /** Why it is not finished, for people; empty where there is nothing to say. */
  readonly reason: string;
  /** What the run says of itself; absent before its start. */
  readonly record?: RunRecord;
}

/** How far the run in a folder is; `not started` where there is none. */
export async function stateOfFolder(path: string): Promise<RunState> {
  const record = await recordIn(path);
  if (record instanceof Error) return { status: "damaged", reason: record.message };
  if (await RunFolder.isLocked(path)) {
    return { status: "running", reason: "", ...(record && { record }) };
  }
  if (record === undefined) return { status: "not started", reason: "" };
  const { status, seconds, failure = "" } = record;
  if (status === "finished") return { status, reason: "", record };
  if (status === "failed") return { status, reason: failure, record };
  const reason = `after ${formatDuration(seconds)}`;
  return { status: status === "running" ? "stopped" : status, reason, record };
}

/** What a folder's run says of itself; undefined without one. @returns The error where it is damaged. */
async function recordIn(path: string): Promise<RunRecord | SyntaxError | undefined> {
  try {
    await Deno.stat(`${path}/run.json`);
    return (await RunFolder.open(path)).record;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof SyntaxError) return error;
    throw error;
  }
}
