/** Files that are either wholly the old content or wholly the new, whenever the process dies. */

/**
 * Writes a file atomically: to a temporary file in the same folder, flushed to the disk, then
 * renamed over `path`, and the folder flushed where the system can. On failure the old file stays
 * and the temporary one is removed; only a killed process can leave one behind
 * (`.NAME.UUID.tmp`).
 * @param path The file; its folder must exist. A symbolic link is replaced, not followed.
 * @throws {Deno.errors.NotFound} for a folder that does not exist, and what the system reports.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  const [folder, name] = split(path);
  if (name === "") throw new TypeError(`Cannot write ${JSON.stringify(path)}: it names no file`);
  const temporary = `${folder}.${name}.${crypto.randomUUID()}.tmp`;
  try {
    {
      using file = await Deno.open(temporary, { write: true, createNew: true });
      for (let written = 0; written < bytes.length;) {
        written += await file.write(bytes.subarray(written));
      }
      await file.sync();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    if (error instanceof Error && !error.message.includes(name)) {
      error.message = `Cannot write ${path} (${bytes.length} bytes): ${error.message}`;
    }
    throw error;
  }
  await flushFolder(folder === "" ? "." : folder);
}

function split(path: string): [folder: string, name: string] {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  return [path.slice(0, end), path.slice(end)];
}

/** Makes the rename durable. Windows and some network file systems cannot flush a folder. */
async function flushFolder(folder: string): Promise<void> {
  try {
    using handle = await Deno.open(folder);
    await handle.sync();
  } catch {
    // The rename is atomic without it; only its durability rests on the file system.
  }
}
