/** Paths that are given, and where results go: whether they can be written there, and writing them. */
import type { Command } from "commander";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import { usageError } from "./errors.ts";
import { PLAN, RUN_FILES } from "./run_folder.ts";

/**
 * An empty path, as of a shell's variable that is not set, would mean the root of the file system or the
 * current folder, by what is put before or after it.
 * @throws {Failure} for one.
 */
export function checkPath(flag: string, path: unknown): void {
  if (path === "") throw usageError(`${flag} takes a path, got ""`);
}

/** @throws {Failure} where an option or an argument that takes a path is given an empty one. */
export function checkPaths(command: Command): void {
  for (const option of command.options) {
    const takesPath = /<[^>]*\b(dir|file|path)\b/.test(option.flags) || option.long === "--data";
    if (takesPath) checkPath(option.long!, command.getOptionValue(option.attributeName()));
  }
  const { registeredArguments, args } = command;
  args.forEach((arg, i) => {
    // The last one may stand for several.
    checkPath(`<${(registeredArguments[i] ?? registeredArguments.at(-1)).name()}>`, arg);
  });
}

/**
 * @param path Of a folder that is there, or is to be made.
 * @throws {Failure} where it is empty, or a file, or a link to nothing, or lies in one.
 */
export async function checkFolder(flag: string, path: string): Promise<void> {
  checkPath(flag, path);
  for (let at = path; at !== ""; at = parentOf(at)) {
    const kind = await kindOf(at);
    if (kind === "folder") return;
    const where = at === path ? "it" : at;
    if (kind === "file") {
      throw usageError(`${flag} ${path}: ${where} is a file; name a folder, new or empty`);
    }
    if (kind === undefined && await isLink(at)) {
      throw usageError(
        `${flag} ${path}: ${where} is a link to nothing; name a folder, new or empty`,
      );
    }
  }
}

/**
 * A file that is there is written anew, unless it is one that the program reads.
 * @param data What rows are read from.
 * @throws {Failure} where a file cannot be written there: in no folder, as a folder that is there, over
 * a file of a run, a plan, or over the data.
 */
export async function checkFile(flag: string, path: string, data?: string): Promise<void> {
  checkPath(flag, path);
  if (await kindOf(path) === "folder") {
    throw usageError(`${flag} ${path}: it is a folder; name a file in it`);
  }
  const folder = parentOf(path);
  if (folder !== "" && await kindOf(folder) !== "folder") {
    throw usageError(`${flag} ${path}: there is no folder ${folder}`);
  }
  if (data !== undefined && await isOf(path, data)) {
    throw usageError(`${flag} ${path}: it is the file that --data names; name another`);
  }
  const name = path.slice(folder.length).replace(/^[/\\]+/, "");
  if (RUN_FILES.includes(name) && await kindOf(`${folder || "."}/run.json`) === "file") {
    throw usageError(`${flag} ${path}: it is a file of the run in that folder; name another`);
  }
  if (name === PLAN && await kindOf(path) === "file") {
    throw usageError(`${flag} ${path}: it is the plan of the runs in that folder; name another`);
  }
}

/**
 * @param run Its folder, for the message. @param request What it was trained on.
 * @throws {Failure} where a file is, or lies in, what a run was trained on.
 */
export async function checkNotData(
  flag: string,
  path: string,
  run: string,
  { data, classes = data }: { readonly data: string; readonly classes?: string },
): Promise<void> {
  if (!await isOf(path, data) && !await isOf(path, classes)) return;
  throw usageError(`${flag} ${path}: ${run} was trained on that file; name another`);
}

/** Writes a file that an option names: whole, or not at all. What is no file (a pipe) is written to. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  const known = await Deno.stat(path).catch(() => undefined);
  if (known === undefined) await writeFileAtomic(path, bytes);
  // Behind a symbolic link, which stays.
  else if (known.isFile) await writeFileAtomic(await Deno.realPath(path), bytes);
  else await Deno.writeFile(path, bytes);
}

/** Whether a path leads to a file that is there, and is `data` or in it. */
export async function isOf(path: string, data: string): Promise<boolean> {
  const [file, whole] = await realPaths(path, data);
  if (file === undefined || whole === undefined) return false;
  return file === whole || file.startsWith(`${whole}/`) || file.startsWith(`${whole}\\`);
}

/** Where paths lead to; undefined where nothing is. */
async function realPaths(...paths: readonly string[]): Promise<(string | undefined)[]> {
  return await Promise.all(paths.map((path) => Deno.realPath(path).catch(() => undefined)));
}

/** The path without its last part; empty where the rest is the current folder. */
function parentOf(path: string): string {
  const cut = path.replace(/[/\\]+$/, "").replace(/[^/\\]+$/, "");
  return /^[/\\]*$/.test(cut) ? "" : cut.replace(/[/\\]+$/, "");
}

async function isLink(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(({ isSymlink }) => isSymlink, () => false);
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await Deno.stat(path)).isDirectory ? "folder" : "file";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
