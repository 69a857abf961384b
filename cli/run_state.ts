/** How far a run is, by its folder. */
import { RunFolder, type RunRecord } from "./run_folder.ts";
import { formatDuration } from "./terminal.ts";

/** How far a run is. */
export interface RunState {
  /** A run that was killed is `stopped`. */
  readonly status: "not started" | "running" | "stopped" | "interrupted" | "failed" | "finished";
  /** Why it is not finished, for people; empty where there is nothing to say. */
  readonly reason: string;
  /** What the run says of itself; absent before its start. */
  readonly record?: RunRecord;
}

/** How far the run in a folder is; `not started` where there is none. */
export async function stateOfFolder(path: string): Promise<RunState> {
  const record = await recordIn(path);
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

/** What a folder's run says of itself; undefined where there is none. */
export async function recordIn(path: string): Promise<RunRecord | undefined> {
  try {
    await Deno.stat(`${path}/run.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return (await RunFolder.open(path)).record;
}
