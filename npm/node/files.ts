/** Files on Node, with the part of Deno's functions that dynae calls. */
import fs from "node:fs";
import { promisify } from "node:util";

/** Error classes as Deno has them, by the system's code. */
export const errors = {
  AlreadyExists: class AlreadyExists extends Error {},
  BrokenPipe: class BrokenPipe extends Error {},
  IsADirectory: class IsADirectory extends Error {},
  NotADirectory: class NotADirectory extends Error {},
  NotCapable: class NotCapable extends Error {},
  NotFound: class NotFound extends Error {},
  PermissionDenied: class PermissionDenied extends Error {},
};

const CODES: Readonly<Record<string, keyof typeof errors>> = {
  EACCES: "PermissionDenied",
  EEXIST: "AlreadyExists",
  EISDIR: "IsADirectory",
  ENOENT: "NotFound",
  ENOTDIR: "NotADirectory",
  EPERM: "PermissionDenied",
  EPIPE: "BrokenPipe",
};

/** The error that Deno would throw. */
function translated(error: unknown): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (!Object.hasOwn(CODES, code)) return error;
  const name = CODES[code];
  return Object.assign(new errors[name](message, { cause: error }), { name });
}

/** An asynchronous function whose errors are Deno's. */
function async<A extends unknown[], R>(work: (...args: A) => Promise<R>) {
  return async (...args: A): Promise<R> => {
    try {
      return await work(...args);
    } catch (error) {
      throw translated(error);
    }
  };
}

/** A function whose errors are Deno's. */
export function sync<A extends unknown[], R>(work: (...args: A) => R) {
  return (...args: A): R => {
    try {
      return work(...args);
    } catch (error) {
      throw translated(error);
    }
  };
}

/** How to open a file; reading alone by default. */
interface OpenOptions {
  readonly write?: boolean;
  readonly create?: boolean;
  readonly createNew?: boolean;
  readonly truncate?: boolean;
}

function flagsOf({ write, create, createNew, truncate }: OpenOptions): number {
  const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC } = fs.constants;
  return (write ? O_RDWR : O_RDONLY) | (create || createNew ? O_CREAT : 0) |
    (createNew ? O_EXCL : 0) | (truncate ? O_TRUNC : 0);
}

const [read, write, fsync] = [promisify(fs.read), promisify(fs.write), promisify(fs.fsync)];

/** An open file. */
class FsFile {
  /** Where reading goes on; null: where the system stands. */
  private position: number | null = null;
  private isLocked = false;

  constructor(private readonly descriptor: number) {}

  readonly read = async(async (into: Uint8Array): Promise<number | null> => {
    const { bytesRead } = await read(this.descriptor, into, 0, into.length, this.position);
    if (this.position !== null) this.position += bytesRead;
    return bytesRead || null;
  });

  readonly write = async(async (bytes: Uint8Array): Promise<number> =>
    (await write(this.descriptor, bytes)).bytesWritten
  );

  readonly writeSync = sync((bytes: Uint8Array): number => fs.writeSync(this.descriptor, bytes));

  readonly sync = async(() => fsync(this.descriptor));

  readonly stat = async(() => promisify(fs.fstat)(this.descriptor).then(infoOf));

  /** From the file's beginning. */
  seek(offset: number): Promise<number> {
    this.position = offset;
    return Promise.resolve(offset);
  }

  /**
   * Node has no locks of files: the file's content is the number of the process that holds it, until it
   * closes the file or dies. Two that ask at the very same moment may both get it.
   */
  tryLock(): Promise<boolean> {
    const holder = Number(fs.readFileSync(this.descriptor, "utf8").trim());
    if (holder > 0 && holder !== process.pid && isAlive(holder)) return Promise.resolve(false);
    fs.ftruncateSync(this.descriptor);
    fs.writeSync(this.descriptor, String(process.pid), 0);
    this.isLocked = true;
    return Promise.resolve(true);
  }

  close(): void {
    if (this.isLocked) fs.ftruncateSync(this.descriptor);
    fs.closeSync(this.descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function infoOf(stats: fs.Stats) {
  const { size, mtime } = stats;
  return { isFile: stats.isFile(), isDirectory: stats.isDirectory(), size, mtime };
}

/** The functions. */
export const files = {
  lstat: async((path: string) => fs.promises.lstat(path).then(infoOf)),
  mkdir: async((path: string, options?: { recursive?: boolean }) =>
    fs.promises.mkdir(path, options)
  ),
  open: async((path: string, options: OpenOptions = {}) =>
    promisify(fs.open)(path, flagsOf(options)).then((descriptor) => new FsFile(descriptor))
  ),
  openSync: sync((path: string, options: OpenOptions = {}) =>
    new FsFile(fs.openSync(path, flagsOf(options)))
  ),
  async *readDir(path: string) {
    const list = async(() => fs.promises.readdir(path, { withFileTypes: true }));
    for (const entry of await list()) {
      yield { name: entry.name, isFile: entry.isFile(), isDirectory: entry.isDirectory() };
    }
  },
  readFile: async(async (path: string | URL, options: { signal?: AbortSignal } = {}) =>
    new Uint8Array(await fs.promises.readFile(path, options))
  ),
  readTextFile: async((path: string | URL) => fs.promises.readFile(path, "utf8")),
  realPath: async((path: string) => fs.promises.realpath(path)),
  remove: async((path: string, options?: { recursive?: boolean }) =>
    options?.recursive ? fs.promises.rm(path, options) : fs.promises.unlink(path)
  ),
  rename: async(fs.promises.rename),
  stat: async((path: string) => fs.promises.stat(path).then(infoOf)),
  statSync: sync((path: string) => infoOf(fs.statSync(path))),
  writeFile: async((path: string, bytes: Uint8Array) => fs.promises.writeFile(path, bytes)),
  writeTextFile: async((path: string, text: string) => fs.promises.writeFile(path, text)),
};
