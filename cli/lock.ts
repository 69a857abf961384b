/** Locks on files, which the system releases when their process ends, however it ends. */

/** The name of the file in a folder that is locked as a whole. */
export const LOCK = ".lock";

/** How often, and after how many milliseconds, a lock is asked for again: others look for a moment. */
const TRIES = 5, PAUSE = 40;

/** A lock that this process holds. */
export class Lock implements Disposable {
  private constructor(private file: Deno.FsFile | undefined) {}

  /**
   * Takes the lock of a file, which is made where there is none; undefined where others hold it.
   * @param isShared Whether others may hold it too, who share it.
   */
  static async take(path: string, isShared = false): Promise<Lock | undefined> {
    const file = await Deno.open(path, { write: true, create: true });
    for (let left = TRIES; left > 0; left--) {
      if (await isFree(file, isShared)) return new Lock(file);
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
    file.close();
    return undefined;
  }

  /** Whether a process holds the lock of this file now: a look that needs to write nothing. */
  static async isHeld(path: string): Promise<boolean> {
    try {
      using file = await Deno.open(path, { read: true });
      return !await isFree(file, true);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      if (error instanceof Deno.errors.NotADirectory) return false;
      throw error;
    }
  }

  /** Lets others have it. */
  [Symbol.dispose](): void {
    this.file?.close();
    this.file = undefined;
  }
}

/** Takes a lock; true where the file system has none to give. */
async function isFree(file: Deno.FsFile, isShared: boolean): Promise<boolean> {
  try {
    return await file.tryLock(!isShared);
  } catch {
    return true;
  }
}
