/** Reads a file of option values: TOML, JSON, or what a run wrote of itself. */
import { usageError } from "./errors.ts";
import { estimatorOf } from "./method_options.ts";
import { checkPath } from "./paths.ts";
import { parseRecord, type RunRecord } from "./run_record.ts";
import { findMethod } from "./run_plan.ts";

/**
 * @param command Whose options they are: a run's `run.json` has those of `train` alone.
 * @returns Values by the names of options, in camelCase or as they are typed.
 * @throws {Failure} where it is not there, is neither, or holds no table of values for that command.
 */
export async function readConfig(path: string, command: string): Promise<Record<string, unknown>> {
  const text = await read(path);
  const values = await parse(path, text);
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    throw usageError(`--config ${path}: it must hold options and their values, { "seed": 1 }`);
  }
  const isRun = "schema" in values && "configuration" in values;
  if (!isRun) return values as Record<string, unknown>;
  if (command === "train") return valuesOfRun(parseRecord(text, path));
  throw usageError(
    `--config ${path}: it is the run.json of a run, which train takes; ${command} takes TOML or JSON ` +
      `with options of its own, as ${command} --print-config prints them`,
  );
}

async function read(path: string): Promise<string> {
  checkPath("--config", path);
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.IsADirectory) {
      throw usageError(`--config ${path}: it is a folder; name a file in it`);
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw usageError(`--config ${path}: there is no such file`);
  }
}

async function parse(path: string, text: string): Promise<unknown> {
  try {
    if (path.endsWith(".json")) return JSON.parse(text);
    const { parse } = await import("smol-toml");
    return parse(text);
  } catch (error) {
    const { message, line } = error as Error & { line?: number };
    const [what] = message.split("\n");
    throw usageError(`--config ${path}: ${what}${line === undefined ? "" : `, line ${line}`}`);
  }
}

/** What a run was started with: what differs from its profile, its clusters and its seed. */
export function valuesOfRun(record: RunRecord): Record<string, unknown> {
  const { configuration, data, device, baseline, report, from } = record;
  const { model, profile = "default", options } = configuration;
  const unasked = estimatorOf(findMethod(model), profile, {}).options;
  const own = Object.entries(options).filter(([name, value]) =>
    name === "clusters" || name === "seed" ||
    JSON.stringify(value) !== JSON.stringify(unasked[name])
  );
  return {
    model,
    profile,
    ...data.request,
    device: device.requested,
    ...device.threads !== undefined && { threads: device.threads },
    ...baseline === false && { baseline },
    ...report === false && { report },
    ...from !== undefined && { from },
    ...Object.fromEntries(own),
  };
}
