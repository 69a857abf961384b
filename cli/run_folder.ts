/** The folder of a run: which files it has, and that no run overwrites another's. */
import type { Column, ColumnOptions } from "../datasets/columns.ts";
import type { Separator } from "../datasets/csv_scanner.ts";
import type { ImageSize } from "../datasets/image_pixels.ts";
import type { Missing } from "../datasets/missing.ts";
import type { Scale } from "../datasets/scaling.ts";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import type { DeviceInfo } from "../engine/backend/backend.ts";
import type { Diagnostics } from "../models/evaluation/diagnostics.ts";
import type { LogRow, Scores } from "../models/estimator.ts";
import { type Configuration, type DataRecord, SCHEMA } from "../storage/checkpoint.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import { VERSION } from "../storage/version.ts";

/** How to read the data again. Paths are absolute. */
export interface DataRequest {
  /** Name of a set, or path of a file. */
  readonly data: string;
  /** Path of the classes. */
  readonly classes?: string;
  /** Column of a table that holds classes, of the data or beside them. */
  readonly classColumn?: ColumnOptions["classColumn"];
  /** Column of a table that names the rows. */
  readonly idColumn?: Column;
  /** The columns of a table to take. */
  readonly columns?: readonly Column[];
  /** The columns of a table to leave out. */
  readonly ignore?: readonly Column[];
  /** The columns of a table that hold text. */
  readonly oneHot?: readonly Column[];
  /** Whether the first line of a table names its columns. */
  readonly header?: boolean;
  /** What separates the cells of a table. */
  readonly separator?: Separator;
  /** What stands before a fraction. */
  readonly decimal?: "." | ",";
  /** What a table's text is in. */
  readonly encoding?: string;
  /** What is done about missing values. */
  readonly missing?: Missing;
  /** Where named sets lie. */
  readonly dataDir?: string;
  /** What was asked for; absent: what the data call for. */
  readonly scale?: Scale;
  /** What the images of a folder are scaled to. */
  readonly size?: ImageSize;
  /** Whether the images of a folder are taken as grey or in colour. */
  readonly colour?: "grey" | "rgb";
  /** The first rows only. */
  readonly limit?: number;
  /** Whether rows are read from the file as they are needed. */
  readonly stream?: boolean;
}

/** What came out. Scores where classes are known. */
export interface RunResults extends Partial<Scores> {
  /** Rows of each cluster. */
  readonly clusterSizes: readonly number[];
  /** What the partition looks like, labels aside. */
  readonly diagnostics: Omit<Diagnostics, "sizes" | "stopReason"> & {
    /** See `sampledCut`; null for fewer than three rows. */
    readonly normalizedCut: number | null;
    /** Of a mixture of the rows themselves. */
    readonly bic?: number;
  };
  /** What looks wrong, and what may help. */
  readonly warnings: readonly string[];
  /** Partitions that clustering could have begun with, and the normalised cuts by which one was taken. */
  readonly candidates?: readonly LogRow[];
  /** Scores or cluster sizes of other partitions of the same rows, by name. */
  readonly partitions: Readonly<Record<string, Partial<Scores>>>;
}

/** `run.json` */
export interface RunRecord {
  /** {@linkcode SCHEMA} */
  readonly schema: number;
  /** How far it is; a killed run stays `"running"`. */
  readonly status: "running" | "interrupted" | "failed" | "finished";
  /** What is trained. */
  readonly configuration: Configuration;
  /** Of all random numbers. */
  readonly seed: number;
  /** On what, and how to load it again. */
  readonly data: DataRecord & { readonly request: DataRequest };
  /** Where, with the choices of kernels that were made there. */
  readonly device: {
    /** Value of --device. */
    readonly requested: string;
    /** Value of --threads. */
    readonly threads?: number;
    /** What computed last; absent before the first step. */
    readonly used?: DeviceInfo;
  };
  /** The folder of the run whose pre-trained network it starts from. */
  readonly from?: string;
  /** Of program and runtime, as last started. */
  readonly versions: Readonly<Record<string, string>>;
  /** Seconds of training so far, resumed parts included. */
  readonly seconds: number;
  /** Why training ended. */
  readonly stopReason?: string;
  /** Why it failed. */
  readonly failure?: string;
  /** Steps of the clustering phase. */
  readonly steps?: number;
  /** Of a finished run. */
  readonly results?: RunResults;
}

const encoder = new TextEncoder();

/** Paths and writers of one run's folder. */
export class RunFolder {
  private metrics: Deno.FsFile | undefined;
  private lockFile: Deno.FsFile | undefined;

  private constructor(readonly path: string) {}

  /**
   * A new folder for a run: `out`, or else `runs/NAME`, `runs/NAME-2`, …
   * @throws {Failure} where `out` exists and is not empty.
   */
  static async create(name: string, out?: string): Promise<RunFolder> {
    if (out !== undefined) {
      await Deno.mkdir(out, { recursive: true });
      for await (const entry of Deno.readDir(out)) {
        throw usageError(
          `${out} exists already and holds ${entry.name}; go on with it by --resume ${out}, ` +
            "or name another folder",
        );
      }
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
   * @throws {Failure} where it is not there or holds no `run.json`.
   */
  static async open(path: string): Promise<{ folder: RunFolder; record: RunRecord }> {
    const folder = new RunFolder(path.replace(/(?<=.)[/\\]+$/, ""));
    const file = folder.file("run.json");
    let text: string;
    try {
      text = await Deno.readTextFile(file);
    } catch (error) {
      const absent = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotADirectory;
      if (!absent) throw error;
      throw usageError(`${path} is not the folder of a run: there is no ${file}`);
    }
    return { folder, record: parseRecord(text, file) };
  }

  /**
   * Keeps other processes from training in the folder, until {@linkcode close} or the process's end.
   * @throws {Failure} where another one does so.
   */
  async lock(): Promise<void> {
    this.lockFile = await Deno.open(this.file(".lock"), { write: true, create: true });
    if (await isFree(this.lockFile)) return;
    this.close();
    throw new Failure(`${this.path}: another process is training there`, EXIT.failed);
  }

  /** Whether a process is training in the folder of this path now. */
  static async isLocked(path: string): Promise<boolean> {
    try {
      using file = await Deno.open(`${path}/.lock`, { write: true });
      return !await isFree(file);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Removes what writers that were killed have left behind. */
  async clean(): Promise<void> {
    for await (const { name } of Deno.readDir(this.path)) {
      if (name.startsWith(".") && name.endsWith(".tmp")) await Deno.remove(this.file(name));
    }
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
    return this.file("pretrained.safetensors");
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
    this.lockFile?.close();
    this.lockFile = undefined;
  }

  private closeMetrics(): void {
    this.metrics?.close();
    this.metrics = undefined;
  }
}

/** @throws {SyntaxError} for a damaged record, or one of another layout. */
function parseRecord(text: string, file: string): RunRecord {
  let record: RunRecord;
  try {
    record = JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`Cannot read ${file}: ${(error as Error).message}`);
  }
  if (record.schema === SCHEMA) return record;
  throw new SyntaxError(
    `Cannot read ${file}: it has schema ${record.schema}, dynae ${VERSION} reads schema ${SCHEMA}`,
  );
}

/** Takes a lock; true where the file system has none to give. */
async function isFree(file: Deno.FsFile): Promise<boolean> {
  try {
    return await file.tryLock(true);
  } catch {
    return true;
  }
}
