/** `runs`: what runs there are, what one was, and removing it. */
import type { Command } from "commander";
import { EXIT, Failure, usageError } from "./errors.ts";
import { isOfRun, RunFolder } from "./run_folder.ts";
import type { RunRecord } from "./run_record.ts";
import { type RunState, stateOfFolder } from "./run_state.ts";
import { formatResults } from "./tables.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatTable,
  onOneLine,
  shellWord,
  writeError,
  writeJson,
  writeOut,
} from "./terminal.ts";
import { PROGRAM } from "./version.ts";

interface JsonValue {
  readonly json?: boolean;
}

/** A run that was found. */
interface Found extends RunState {
  readonly path: string;
  readonly record: RunRecord;
}

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .command("list")
    .description("the runs in a folder and in its experiments")
    .argument("[dir]", "folder that holds runs", "runs")
    .option("--json", "print a JSON array")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} runs list\n`)
    .action(list);
  command
    .command("show")
    .description("what a run was, and what came out")
    .argument("<run>", "folder of the run")
    .option("--json", "print its run.json")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} runs show runs/dynae-optdigits-seed0\n`)
    .action(show);
  command
    .command("rm")
    .description("remove runs with all their files")
    .argument("<run...>", "folders of the runs")
    .option("--yes", "do not ask")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} runs rm runs/dynae-optdigits-seed0 --yes\n`)
    .action(remove);
  command.addHelpText("after", `\nExample:\n  ${PROGRAM} runs list\n`);
}

async function list(dir: string, { json }: JsonValue): Promise<void> {
  const found = await runsIn(dir);
  if (json) {
    return writeJson(
      found.map(({ path, status, record }) => ({ ...record, folder: path, status })),
    );
  }
  if (found.length === 0) return writeError(`no runs in ${dir}\n`);
  const rows = found.map(({ path, status, record }) => {
    const { configuration, data, seed, seconds, results } = record;
    const acc = results?.acc === undefined ? "" : results.acc.toFixed(4);
    const { model, options } = configuration;
    const facts = [model, data.name, String(options.clusters), String(seed)];
    return [path, ...facts, status, acc, formatDuration(seconds)];
  });
  const head = ["folder", "model", "data", "clusters", "seed", "status", "ACC", "time"];
  writeOut(`${formatTable(head, rows)}\n`);
}

/** The runs in a folder, and those one folder deeper, as experiments have them; by their paths. */
async function runsIn(dir: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const path of await foldersIn(dir)) {
    const isRun = (await stateOfFolder(path)).status !== "not started";
    const paths = isRun ? [path] : await foldersIn(path);
    for (const path of paths) {
      const { record, ...state } = await stateOfFolder(path);
      if (record !== undefined) found.push({ ...state, path, record });
      else if (state.status === "damaged") writeError(`note: ${state.reason}\n`);
    }
  }
  return found;
}

async function foldersIn(dir: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(dir));
    return entries.filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => `${dir.replace(/(?<=.)[/\\]+$/, "")}/${name}`).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw usageError(`there is no folder ${dir}`);
    if (error instanceof Deno.errors.NotADirectory) throw usageError(`${dir} is not a folder`);
    throw error;
  }
}

async function show(path: string, { json }: JsonValue): Promise<void> {
  const { folder, record } = await RunFolder.open(path);
  if (json) return writeJson(record);
  const { status, reason } = await stateOfFolder(folder.path);
  const { configuration, seed, data, device, seconds, stopReason, versions, results } = record;
  const { files, bytes } = await contentOf(folder.path);
  const rows = [
    ["model", `${configuration.model}, profile ${configuration.profile ?? "default"}`],
    ["clusters", String(configuration.options.clusters)],
    ["seed", String(seed)],
    ["data", `${data.name}, ${formatCount(data.n)} × ${formatCount(data.d)}`],
    ["device", device.used?.description ?? device.requested],
    ["status", [status, stopReason ?? reason].filter((text) => text !== "").join(": ")],
    ["time", formatDuration(seconds)],
    ["version", `${versions.dynae}`],
    ["files", `${files}, ${formatBytes(bytes)}`],
  ];
  writeOut(`${rows.map(([name, value]) => `${name.padEnd(9)} ${value}`).join("\n")}\n`);
  if (results !== undefined) writeOut(`\n${formatResults(record)}\n`);
  for (const warning of results?.warnings ?? []) writeOut(`warning: ${warning}\n`);
  const file = shellWord(folder.file("run.json"));
  writeError(`\nThe same again:\n  ${PROGRAM} train --config ${file}\n`);
}

async function remove(
  paths: readonly string[],
  { yes }: { readonly yes?: boolean },
): Promise<void> {
  // By the folders' own places, of which "." is one too.
  const folders = new Map<string, string>();
  for (const given of paths) {
    const path = given.replace(/(?<=.)[/\\]+$/, "");
    const { status } = await stateOfFolder(path);
    if (status === "not started") {
      throw usageError(`${path} is not the folder of a run: there is no ${path}/run.json`);
    }
    if (status === "running") {
      throw new Failure(`${path}: a process is training there; end it first`, EXIT.failed);
    }
    await checkContent(path);
    const place = await Deno.realPath(path);
    folders.set(place, folders.get(place) ?? path);
  }
  if (!yes && !Deno.stdin.isTerminal()) {
    throw usageError("runs rm asks on a terminal, and there is none: give --yes");
  }
  for (const [place, path] of folders) {
    const { files, bytes } = await contentOf(path);
    const content = `${path} (${files} files, ${formatBytes(bytes)})`;
    if (!yes && !confirm(`Remove ${content}?`)) {
      writeError(`${path} stays\n`);
      continue;
    }
    await Deno.remove(place, { recursive: true });
    writeError(`removed ${content}\n`);
  }
}

/** @throws {Failure} for a link to a run, and for a folder in which other files lie than a run leaves. */
async function checkContent(path: string): Promise<void> {
  if ((await Deno.lstat(path)).isSymlink) {
    throw usageError(`${path} is a link; name the folder itself, ${await Deno.realPath(path)}`);
  }
  for await (const { name } of Deno.readDir(path)) {
    if (isOfRun(name)) continue;
    throw usageError(
      `${path} holds ${onOneLine(name)}, which is no part of a run; move it away first`,
    );
  }
}

/** How many files there are in a folder and those in it, and how large they are together. */
async function contentOf(path: string): Promise<{ files: number; bytes: number }> {
  let [files, bytes] = [0, 0];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    const at = `${path}/${name}`;
    const found = isDirectory
      ? await contentOf(at)
      : { files: 1, bytes: (await Deno.lstat(at)).size };
    files += found.files;
    bytes += found.bytes;
  }
  return { files, bytes };
}
