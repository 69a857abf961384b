/**
 * The part of Deno's API that dynae calls, by Node's: the bundle for Node gets it where the sources say
 * `Deno`. `npm/build.ts` refuses a source that calls what is not here.
 */
import { execFile } from "node:child_process";
import fs from "node:fs";
import process from "node:process";
import { errors, files, sync } from "./files.ts";

/** Node asks for no permissions. */
const GRANTED = { state: "granted" } as const;

/** stdout or stderr; a pipe that is full is waited for. */
function stream(descriptor: 1 | 2) {
  return {
    isTerminal: () => (descriptor === 1 ? process.stdout : process.stderr).isTTY === true,
    writeSync: sync((bytes: Uint8Array): number => {
      try {
        return fs.writeSync(descriptor, bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
        return 0;
      }
    }),
  };
}

/** A program to run to its end. */
class Command {
  constructor(
    private readonly program: string,
    private readonly options: { readonly args?: readonly string[] } = {},
  ) {}

  output(): Promise<
    { success: boolean; code: number; stdout: Uint8Array; stderr: Uint8Array }
  > {
    return new Promise((resolve, reject) => {
      execFile(
        this.program,
        [...this.options.args ?? []],
        { encoding: "buffer" },
        (error, stdout, stderr) => {
          if (typeof error?.code === "string") {
            return reject(error.code === "ENOENT" ? new errors.NotFound(error.message) : error);
          }
          const code = error === null ? 0 : Number(error.code ?? 1);
          resolve({ success: code === 0, code, stdout, stderr });
        },
      );
    });
  }
}

const SYSTEMS: Readonly<Record<string, string>> = { win32: "windows" };
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/** See the module. */
export const Deno = {
  ...files,
  errors,
  SeekMode: { Start: 0 },
  Command,
  addSignalListener: (signal: NodeJS.Signals, listener: () => void) => process.on(signal, listener),
  removeSignalListener: (signal: NodeJS.Signals, listener: () => void) =>
    process.off(signal, listener),
  build: {
    os: SYSTEMS[process.platform] ?? process.platform,
    arch: ARCHITECTURES[process.arch] ?? process.arch,
  },
  consoleSize() {
    if (process.stdout.columns === undefined) throw new Error("stdout is no terminal");
    return { columns: process.stdout.columns, rows: process.stdout.rows };
  },
  cwd: () => process.cwd(),
  env: { get: (name: string) => process.env[name] },
  execPath: () => process.execPath,
  exit: (code: number) => process.exit(code),
  permissions: { query: () => Promise.resolve(GRANTED), querySync: () => GRANTED },
  // Nobody is asked anything: what asks wants --yes.
  stdin: { isTerminal: () => false },
  stdout: stream(1),
  stderr: stream(2),
};
