/** A file's bytes, whole. Needs Deno's files. */
import { cannotRead } from "./array.ts";

/** The name of standard input, where a file is asked for. */
export const STANDARD_INPUT = "-";

/** Whether standard input has been read: it can be read once. */
let isInputRead = false;

/** Whether an error says that there is no such file. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/**
 * All bytes of a file, or of standard input.
 * @param absent What is said where there is no such file.
 * @throws {Deno.errors.NotFound} for one that is not there.
 * @throws {TypeError} for a folder, and for standard input a second time.
 */
export async function readBytes(
  path: string,
  signal?: AbortSignal,
  absent = () => "there is no such file",
): Promise<Uint8Array> {
  try {
    if (path === STANDARD_INPUT) {
      if (isInputRead) {
        throw new TypeError(cannotRead(path, "standard input is read already, and holds one file"));
      }
      isInputRead = true;
      return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
    }
    return await Deno.readFile(path, signal === undefined ? {} : { signal });
  } catch (error) {
    if (isAbsent(error)) {
      throw new Deno.errors.NotFound(cannotRead(path, absent()), { cause: error });
    }
    if (error instanceof Deno.errors.IsADirectory) {
      throw new TypeError(cannotRead(path, "it is a folder; name a file in it"), { cause: error });
    }
    throw error;
  }
}
