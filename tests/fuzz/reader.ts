/** What a reader of files is for the fuzz test, and what must hold of it. */
import type { Dice } from "./mutations.ts";

/** What all messages name: it, or a file in a folder of that name. */
export const FILE = "fuzzed.file";

/** What was read, for an independent reader to agree with: [0, 1] of pictures, else the file's numbers. */
export interface Found {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

/** A reader with what it is tried on. */
export interface Reader {
  readonly name: string;
  /** Modules of Python by which another reader of these files is written; absent: there is none. */
  readonly peer?: readonly string[];
  /** A damaged file. */
  make(dice: Dice): Promise<Uint8Array> | Uint8Array;
  /** Reads it, and checks what came of it. @throws What the reader throws. */
  read(bytes: Uint8Array): Promise<Found | undefined>;
}

/** Whether an error is one that people can do something with: it names the file. */
export function isDocumented(error: unknown): boolean {
  const kinds = [SyntaxError, TypeError, RangeError];
  return kinds.some((kind) => error instanceof kind) &&
    /^Cannot read fuzzed\.file(\/1\.png)?: /.test((error as Error).message) &&
    !/undefined|is not a function|Invalid array length|stack size|\[object/.test(
      (error as Error).message,
    );
}
