/**
 * Rows that stay in their file: an uncompressed IDX or NPY file of which some rows are read at a
 * time, for data that outgrow memory. Needs Deno's files.
 */
import {
  type ArrayLayout,
  cannotRead,
  checkLength,
  decodeElements,
  elementBytes,
} from "./array.ts";
import type { TableOptions } from "./csv.ts";
import {
  ACCEPT_NAN,
  checkFloat32,
  classesOf,
  measureRows,
  type RowsInfo,
  scaleOf,
  sha256,
} from "./dataset.ts";
import { baseName } from "./decode.ts";
import { STREAM_FORMATS } from "./formats.ts";
import { isGzip } from "./gzip.ts";
import { idxLayout, isIdx } from "./idx.ts";
import { classesBeside, notesOfClasses } from "./class_file.ts";
import { notesOn } from "./notes.ts";
import { isNpy, npyLayout } from "./npy.ts";
import { applyScaling, describeScaling, type Scale, type Scaling, scalingOf } from "./scaling.ts";
import { checkRaw, checkShape, schemaOf, type TrainedOn } from "./schema.ts";
import { ColumnStatistics } from "./statistics.ts";

/** A data set whose values are read from its file as they are needed. */
export interface StreamedDataset extends RowsInfo {
  /** Where the values are read from; to be closed. */
  readonly data: RowFile;
}

/** How to open rows. */
export interface StreamOptions {
  /** A file of classes for the rows: IDX, NPY, or text of one a line, or a table. */
  readonly classes?: string;
  /** How to read that file, where it is text or a table. */
  readonly table?: Pick<TableOptions, "classColumn" | "header" | "separator" | "encoding">;
  /** As of a data set that is loaded. */
  readonly scale?: Scale;
  /** The data that a model was trained on: the rows get their scaling. */
  readonly trained?: TrainedOn;
  /** The first rows only. */
  readonly limit?: number;
}

/** More than any header takes. */
const HEADER_BYTES = 2 ** 16;
/** Bytes of the file that are looked at together when it is opened. */
const BLOCK_BYTES = 2 ** 26;

/** An open file of rows [n, d]. Reads may overlap; they are served in order. */
export class RowFile {
  private last: Promise<unknown> = Promise.resolve();
  private readonly stamp: string;

  /**
   * Takes over an open file.
   * @param file Closed by `close`. @param path For messages. @param layout Of its array.
   * @param d Columns.
   */
  constructor(
    private readonly file: Deno.FsFile,
    private readonly path: string,
    private readonly layout: ArrayLayout,
    private readonly d: number,
  ) {
    this.stamp = stampOf(file);
  }

  /** What is done to the values that are read. */
  scaling: Scaling = { kind: "none" };

  /** Told how many rows have been read, from the first on, after every read. */
  onRead?: (rows: number) => void;

  /**
   * Reads whole rows from row `first` on, scaled.
   * @param into [rows, d] row-major, filled; its length says how many rows.
   * @throws {SyntaxError} where the file has been written to since it was opened.
   */
  async read(first: number, into: Float32Array): Promise<void> {
    applyScaling(await this.raw(first * this.d, into.length), this.d, this.scaling, into);
    this.onRead?.(first + into.length / this.d);
  }

  /** Closes the file. */
  close(): void {
    this.file.close();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Reads the first `n` rows once: checks that all values are finite.
   * @param remedy Said of NaN.
   * @returns The statistics of the values, and the SHA-256 of their bytes by blocks.
   * @throws {RangeError} for values that are not finite in float32.
   */
  async survey(
    n: number,
    remedy: string,
  ): Promise<{ statistics: ColumnStatistics; hashes: readonly string[] }> {
    const { d, layout: { element } } = this;
    const rows = Math.max(1, Math.floor(BLOCK_BYTES / (d * elementBytes(element))));
    const statistics = new ColumnStatistics(d);
    const hashes: string[] = [];
    for (let first = 0; first < n; first += rows) {
      const values = await this.raw(first * d, Math.min(rows, n - first) * d);
      if (element.startsWith("f")) {
        const data = values instanceof Float32Array ? values : new Float32Array(values);
        checkFloat32(data, (i) => values[i], d, this.path, { firstRow: first, remedy });
      }
      statistics.add(values);
      hashes.push(await sha256(new Uint8Array(values.buffer)));
    }
    return { statistics, hashes };
  }

  /** `count` elements from element `first` on, as they are in the file. */
  private raw(first: number, count: number) {
    const { element, littleEndian, start } = this.layout;
    const size = elementBytes(element);
    const reading = this.last.then(async () => {
      const bytes = new Uint8Array(count * size);
      await this.file.seek(start + first * size, Deno.SeekMode.Start);
      for (let filled = 0; filled < bytes.length;) {
        const now = await this.file.read(bytes.subarray(filled));
        if (now === null) {
          throw new SyntaxError(
            cannotRead(this.path, "the file has become shorter since it was opened"),
          );
        }
        filled += now;
      }
      if (stampOf(this.file) !== this.stamp) {
        throw new SyntaxError(
          cannotRead(this.path, "the file has been written to since it was opened"),
        );
      }
      return decodeElements(this.path, bytes, element, littleEndian);
    });
    this.last = reading.catch(() => {});
    return reading;
  }
}

/** What changes as a file is written to. */
function stampOf(file: Deno.FsFile): string {
  const { size, mtime } = file.statSync();
  return `${size} ${mtime?.getTime()}`;
}

/**
 * Opens a file of rows and reads it once, to check its values and for the digest.
 * @throws {Deno.errors.NotFound} for a file that is not there.
 * @throws {SyntaxError} for a damaged file. @throws {TypeError} for a compressed one, or a table of text. @throws {RangeError} as of a data set that is loaded.
 * @example
 * ```ts
 * import { openDataset } from "./row_file.ts";
 * import { encodeNpy } from "./npy.ts";
 * const path = await Deno.makeTempFile({ suffix: ".npy" });
 * await Deno.writeFile(path, encodeNpy(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]));
 * const rows = await openDataset(path);
 * const last = new Float32Array(2);
 * await rows.data.read(2, last);
 * console.log(rows.n, rows.d, last); // 3 2 Float32Array(2) [ 5, 6 ]
 * rows.data.close();
 * await Deno.remove(path);
 * ```
 */
export async function openDataset(
  path: string,
  options: StreamOptions = {},
): Promise<StreamedDataset> {
  const file = await open(path);
  try {
    const layout = await layoutOf(file, path);
    const name = baseName(path);
    const classes = await classesBeside(path, options, false);
    const { limit } = options;
    const given = { name, ...limit !== undefined && { limit }, ...classes && { classes } };
    const { n, d, image } = measureRows(layout.shape, given);
    if (layout.fortran) {
      throw new TypeError(
        cannotRead(path, "it is in Fortran order, and has no rows to read one by one"),
      );
    }
    const data = new RowFile(file, path, layout, d);
    const { trained } = options;
    if (trained !== undefined) checkShape(name, layout.shape, { d, ...image }, trained);
    const remedy = trained === undefined
      ? `; without --stream, ${ACCEPT_NAN}`
      : (trained.reading?.missing ?? "error") === "error"
      ? ""
      : "; without --stream, missing values are what they were in the training";
    const { statistics, hashes } = await data.survey(n, remedy);
    const isImage = image.height !== undefined;
    data.scaling = trained?.scaling ?? scalingOf(statistics, scaleOf(layout, options, isImage));
    const kinds = isImage ? undefined : Array.from({ length: d }, () => ({}));
    const schema = schemaOf(layout.type, statistics, kinds);
    // A standardisation follows from the values, which are hashed.
    const digested = [`${layout.type} [${n}, ${d}] ${describeScaling(data.scaling)}`, ...hashes];
    return {
      name,
      data,
      n,
      d,
      ...image,
      ...classesOf(classes, n),
      scaling: data.scaling,
      schema,
      notes: [
        ...notesOfClasses(options.classes, classes),
        ...(trained === undefined
          ? notesOn(layout, undefined, statistics, schema, data.scaling, options.scale)
          : checkRaw(name, schema, statistics, trained)),
      ],
      digest: await sha256(new TextEncoder().encode(digested.join("\n"))),
      source: path,
      licence: "",
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function open(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Deno.errors.NotFound(cannotRead(path, "there is no such file"), { cause: error });
  }
}

async function layoutOf(file: Deno.FsFile, path: string): Promise<ArrayLayout> {
  const { size, isFile } = await file.stat();
  if (!isFile) {
    throw new TypeError(cannotRead(path, `it is no file, and only ${STREAM_FORMATS} are streamed`));
  }
  const head = new Uint8Array(Math.min(size, HEADER_BYTES));
  const bytes = head.subarray(0, await file.read(head) ?? 0);
  if (isGzip(bytes)) {
    throw new TypeError(
      cannotRead(path, "it is compressed, and its rows cannot be read one by one; unpack it"),
    );
  }
  if (!isNpy(bytes) && !isIdx(bytes)) {
    throw new TypeError(
      cannotRead(
        path,
        `rows can be read one by one of ${STREAM_FORMATS} files alone, and it is neither`,
      ),
    );
  }
  const layout = isNpy(bytes) ? npyLayout(bytes, path) : idxLayout(bytes, path);
  checkLength(path, size, layout);
  return layout;
}
