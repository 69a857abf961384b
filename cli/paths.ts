/** Where results go: whether they can be written there, before there are any, and writing them. */
import { writeFileAtomic } from "../storage/atomic_file.ts";
import { usageError } from "./errors.ts";
import { RUN_FILES } from "./run_folder.ts";

/**
 * @param path Of a folder that is there, or is to be made.
 * @throws {Failure} where it is a file, or lies in one.
 */
export async function checkFolder(flag: string, path: string): Promise<void> {
  for (let at = path; at !== ""; at = parentOf(at)) {
    const kind = await kindOf(at);
    if (kind === "folder") return;
    if (kind === "file") {
      const where = at === path ? "it" : at;
      throw usageError(`${flag} ${path}: ${where} is a file; name a folder, new or empty`);
    }
  }
}

/**
 * A file that is there is written anew, unless it is one that the program reads.
 * @param data What rows are read from.
 * @throws {Failure} where a file cannot be written there: in no folder, as a folder that is there, over
 * a file of a run, or over the data.
 */
export async function checkFile(flag: string, path: string, data?: string): Promise<void> {
  if (await kindOf(path) === "folder") {
    throw usageError(`${flag} ${path}: it is a folder; name a file in it`);
  }
  const folder = parentOf(path);
  if (folder !== "" && await kindOf(folder) !== "folder") {
    throw usageError(`${flag} ${path}: there is no folder ${folder}`);
  }
  if (data !== undefined && await isSame(path, data)) {
    throw usageError(`${flag} ${path}: it is the file that --data names; name another`);
  }
  const name = path.slice(folder.length).replace(/^[/\\]+/, "");
  if (RUN_FILES.includes(name) && await kindOf(`${folder || "."}/run.json`) === "file") {
    throw usageError(`${flag} ${path}: it is a file of the run in that folder; name another`);
  }
}

/** Writes a file that an option names: whole, or not at all. What is no file (a pipe) is written to. */
export async function writeOutput(path: string, bytes: Uint8Array): Promise<void> {
  const known = await Deno.stat(path).catch(() => undefined);
  if (known === undefined) await writeFileAtomic(path, bytes);
  // Behind a symbolic link, which stays.
  else if (known.isFile) await writeFileAtomic(await Deno.realPath(path), bytes);
  else await Deno.writeFile(path, bytes);
}

/** Whether two paths lead to one file that is there. */
export async function isSame(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all(
    [a, b].map((path) => Deno.realPath(path).catch(() => undefined)),
  );
  return first !== undefined && first === second;
}

/** The path without its last part; empty where the rest is the current folder. */
function parentOf(path: string): string {
  const cut = path.replace(/[/\\]+$/, "").replace(/[^/\\]+$/, "");
  return /^[/\\]*$/.test(cut) ? "" : cut.replace(/[/\\]+$/, "");
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
