/** The folder of a run: which files it has, and that no run overwrites another's. */
import { writeFileAtomic } from "../storage/atomic_file.ts";
import type { LogRow } from "../models/estimator.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import { LOCK, Lock } from "./lock.ts";
import { parseRecord, type RunRecord } from "./run_record.ts";
import { shellWord } from "./terminal.ts";

const encoder = new TextEncoder();

const PRETRAINED = "pretrained.safetensors";

/** The file of a run's report, which can be made again. */
export const REPORT = "report.html";

/** The file of a plan, beside the folders of its runs. */
export const PLAN = "plan.json";

/** What a run's folder is made of: files that are read again, and that no output shall replace. */
export const RUN_FILES: readonly string[] = [
  ...["run.json", "checkpoint.safetensors", PRETRAINED, "metrics.jsonl"],
  ...["labels.csv", "embedding.npy", "centroids.png"],
];

/** Paths and writers of one run's folder. */
export class RunFolder {
  private metrics: Deno.FsFile | undefined;
  private held: Lock | undefined;

  private constructor(readonly path: string) {}

  /**
   * A new folder for a run, locked: `out`, or else `runs/NAME`, `runs/NAME-2`, …
   * @throws {Failure} where `out` exists and holds more than what a run leaves that ended before it had
   * a `run.json`.
   */
  static async create(name: string, out?: string): Promise<RunFolder> {
    const folder = await RunFolder.made(name, out);
    // Before a lock lies in what is somebody's, and again once nobody else begins a run there.
    if (!await RunFolder.isLocked(folder.path)) await folder.checkNew();
    await folder.lock();
    try {
      await folder.checkNew();
      await folder.clean();
      return folder;
    } catch (error) {
      folder.close();
      throw error;
    }
  }

  /** @throws {Failure} where it holds more than what a run leaves that ended before it had a `run.json`. */
  private async checkNew(): Promise<void> {
    const names = (await Array.fromAsync(Deno.readDir(this.path))).map(({ name }) => name).sort();
    const held = names.find((name) => !isRest(name));
    if (held === undefined) return;
    throw usageError(
      names.includes("run.json")
        ? `${this.path} exists already and holds a run; go on with it by ` +
          `--resume ${shellWord(this.path)}, or name another folder`
        : `${this.path} exists already and holds ${held}; name another folder`,
    );
  }

  private static async made(name: string, out?: string): Promise<RunFolder> {
    if (out !== undefined) {
      await Deno.mkdir(out, { recursive: true });
      return new RunFolder(out);
    }
    await Deno.mkdir("runs", { recursive: true });
    for (let count = 1;; count++) {
      const path = `runs/${name}${count === 1 ? "" : `-${count}`}`;
      try {
        await Deno.mkdir(path);
        return new RunFolder(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  /**
   * The folder of a run that was started before.
   * @throws {Failure} where it is not there or holds no `run.json`, and for an empty path. @throws
   * {SyntaxError} where `run.json` is damaged.
   */
  static async open(path: string): Promise<{ folder: RunFolder; record: RunRecord }> {
    if (path === "") throw usageError(`the folder of a run has a name, got ""`);
    const folder = new RunFolder(path.replace(/(?<=.)[/\\]+$/, ""));
    const file = folder.file("run.json");
    let text: string;
    try {
      text = await Deno.readTextFile(file);
    } catch (error) {
      const absent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (absent) throw usageError(`${path} is not the folder of a run: there is no ${file}`);
      if (!(error instanceof Deno.errors.IsADirectory)) throw error;
      throw new SyntaxError(`Cannot read ${file}: it is a folder`, { cause: error });
    }
    return { folder, record: parseRecord(text, file) };
  }

  /**
   * Keeps other processes from training in the folder, until {@linkcode close} or the process's end.
   * @throws {Failure} where another one does so.
   */
  async lock(): Promise<void> {
    this.held = await Lock.take(this.file(LOCK));
    if (this.held !== undefined) return;
    throw new Failure(`${this.path}: another process is training there`, EXIT.failed);
  }

  /** Whether a process is training in the folder of this path now. */
  static async isLocked(path: string): Promise<boolean> {
    return await Lock.isHeld(`${path}/${LOCK}`);
  }

  /** Removes what writers that were killed have left behind. */
  async clean(): Promise<void> {
    for await (const { name } of Deno.readDir(this.path)) {
      if (isTemporary(name)) await Deno.remove(this.file(name));
    }
  }

  /** Removes a folder in which no run could begin, so that it stands in nobody's way. */
  async abandon(): Promise<void> {
    this.close();
    await Deno.remove(this.path, { recursive: true }).catch(() => {});
  }

  /** The path of a file in the folder. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The path of the checkpoint. */
  get checkpoint(): string {
    return this.file("checkpoint.safetensors");
  }

  /** The path of the pre-trained network, from which other runs may start. */
  get pretrained(): string {
    return this.file(PRETRAINED);
  }

  /** Whether a checkpoint has been written. */
  async hasCheckpoint(): Promise<boolean> {
    try {
      return (await Deno.stat(this.checkpoint)).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Writes a file atomically. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    await writeFileAtomic(this.file(name), bytes);
  }

  /** Writes `run.json`. */
  async writeRecord(record: RunRecord): Promise<void> {
    await this.write("run.json", `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Starts `metrics.jsonl` anew with these rows; more follow by {@linkcode log}. */
  startMetrics(rows: readonly LogRow[]): void {
    this.closeMetrics();
    this.metrics = Deno.openSync(this.file("metrics.jsonl"), {
      write: true,
      create: true,
      truncate: true,
    });
    rows.forEach((row) => this.log(row));
  }

  /** The rows of `metrics.jsonl`; absent without one. @throws {SyntaxError} for a damaged line. */
  async readMetrics(): Promise<LogRow[] | undefined> {
    const file = this.file("metrics.jsonl");
    let text: string;
    try {
      text = await Deno.readTextFile(file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    return text.split("\n").slice(0, -1).map((line, i) => {
      try {
        return JSON.parse(line);
      } catch (error) {
        throw new SyntaxError(`Cannot read ${file}, line ${i + 1}: ${(error as Error).message}`);
      }
    });
  }

  /** Appends a row to `metrics.jsonl`. */
  log(row: LogRow): void {
    const bytes = encoder.encode(`${JSON.stringify(row)}\n`);
    for (let written = 0; written < bytes.length;) {
      written += this.metrics!.writeSync(bytes.subarray(written));
    }
  }

  /** Closes `metrics.jsonl` and lets other processes in. */
  close(): void {
    this.closeMetrics();
    this.held?.[Symbol.dispose]();
    this.held = undefined;
  }

  private closeMetrics(): void {
    this.metrics?.close();
    this.metrics = undefined;
  }
}

/** What `generate` and `export` write into a run's folder where nothing else is named. */
const OUTPUTS = [
  ...["samples.png", "interpolations.png", "clusters.onnx", "encoder.onnx", "autoencoder.onnx"],
  ...["model.safetensors", "metrics.csv", "log.jsonl", "events.out.tfevents.dynae"],
] as const;

/** The name of such a file. */
export type OutputName = typeof OUTPUTS[number];

/** Whether a run, or the program itself later, leaves a file of this name in its folder. */
export function isOfRun(name: string): boolean {
  return [...RUN_FILES, ...OUTPUTS, REPORT].includes(name) || isRest(name);
}

function isTemporary(name: string): boolean {
  return name.startsWith(".") && name.endsWith(".tmp");
}

/** Whether a run may leave a file before it has a `run.json`, by which it could be resumed. */
function isRest(name: string): boolean {
  return name === LOCK || name === PRETRAINED || isTemporary(name);
}
