/** Whether results can be written where they are to go: looked at before there are any. */
import { usageError } from "./errors.ts";

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

/** @throws {Failure} where a file cannot be written there: in no folder, or as a folder that is there. */
export async function checkFile(flag: string, path: string): Promise<void> {
  if (await kindOf(path) === "folder") {
    throw usageError(`${flag} ${path}: it is a folder; name a file in it`);
  }
  const folder = parentOf(path);
  if (folder === "" || await kindOf(folder) === "folder") return;
  throw usageError(`${flag} ${path}: there is no folder ${folder}`);
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
