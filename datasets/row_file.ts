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
import { checkFloat32, classesOf, measureRows, type RowsInfo, scaleOf, sha256 } from "./dataset.ts";
import { isGzip } from "./gzip.ts";
import { idxLayout, isIdx } from "./idx.ts";
import { baseName, readClasses } from "./load.ts";
import { isNpy, npyLayout } from "./npy.ts";
import { describeScaling, dividedBy, type Scale } from "./scaling.ts";

/** A data set whose values are read from its file as they are needed. */
export interface StreamedDataset extends RowsInfo {
  /** Where the values are read from; to be closed. */
  readonly data: RowFile;
}

/** How to open rows. */
export interface StreamOptions {
  /** A file of classes for the rows: IDX, NPY, or text of one a line. */
  readonly classes?: string;
  /** As of a data set that is loaded, but for what needs all values: `"standard"`. */
  readonly scale?: Scale;
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

  /**
   * Takes over an open file.
   * @param file Closed by `close`. @param path For messages. @param layout Of its array.
   * @param d Columns. @param divisor Every value is divided by it.
   */
  constructor(
    private readonly file: Deno.FsFile,
    private readonly path: string,
    private readonly layout: ArrayLayout,
    private readonly d: number,
    private readonly divisor: number,
  ) {}

  /**
   * Reads whole rows from row `first` on, scaled.
   * @param into [rows, d] row-major, filled; its length says how many rows.
   * @throws {SyntaxError} where the file has become shorter.
   */
  async read(first: number, into: Float32Array): Promise<void> {
    const { divisor } = this;
    into.set(await this.raw(first * this.d, into.length));
    if (divisor === 1) return;
    for (let i = 0; i < into.length; i++) into[i] /= divisor;
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
   * Reads the first `n` rows once: checks that all values are finite in float32.
   * @param scaling What is done to them, in words.
   * @returns The SHA-256 of their bytes by blocks, the element type and the scaling.
   * @throws {RangeError} for values that are not finite.
   */
  async digest(n: number, scaling: string): Promise<string> {
    const { d, layout: { element, type } } = this;
    const rows = Math.max(1, Math.floor(BLOCK_BYTES / (d * elementBytes(element))));
    const lines = [`${type} [${n}, ${d}] ${scaling}`];
    for (let first = 0; first < n; first += rows) {
      const count = Math.min(rows, n - first) * d;
      const values = await this.raw(first * d, count);
      if (element === "f4" || element === "f8") {
        const data = values instanceof Float32Array ? values : new Float32Array(values);
        checkFloat32(data, (i) => values[i], d, this.path, first);
      }
      lines.push(await sha256(new Uint8Array(values.buffer)));
    }
    return await sha256(new TextEncoder().encode(lines.join("\n")));
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
      return decodeElements(this.path, bytes, element, littleEndian);
    });
    this.last = reading.catch(() => {});
    return reading;
  }
}

/**
 * Opens a file of rows and reads it once, to check its values and for the digest.
 * @throws {Deno.errors.NotFound} for a file that is not there.
 * @throws {SyntaxError} for a damaged file. @throws {TypeError} for a compressed one, a table of text,
 * or a scaling that needs all values at once. @throws {RangeError} as of a data set that is loaded.
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
    const { classes: classesPath, ...rest } = options;
    const classes = classesPath === undefined ? undefined : await readClasses(classesPath);
    const given = classes === undefined ? {} : { classes };
    const { n, d, image } = measureRows(layout.shape, { ...rest, name, ...given });
    const divisor = divisorOf(layout, path, options);
    const scaling = dividedBy(divisor);
    const data = new RowFile(file, path, layout, d, divisor);
    return {
      name,
      data,
      n,
      d,
      ...image,
      ...classesOf(classes, n),
      scaling,
      digest: await data.digest(n, describeScaling(scaling)),
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
  if (!isFile) throw new TypeError(cannotRead(path, "it is no file"));
  const head = new Uint8Array(Math.min(size, HEADER_BYTES));
  const bytes = head.subarray(0, await file.read(head) ?? 0);
  if (isGzip(bytes)) {
    throw new TypeError(
      cannotRead(path, "it is compressed, and its rows cannot be read one by one; unpack it"),
    );
  }
  if (!isNpy(bytes) && !isIdx(bytes)) {
    throw new TypeError(
      cannotRead(path, "rows can be read one by one of IDX and NPY files alone, and it is neither"),
    );
  }
  const layout = isNpy(bytes) ? npyLayout(bytes, path) : idxLayout(bytes, path);
  checkLength(path, size, layout);
  return layout;
}

/** What every value is divided by. */
function divisorOf(layout: ArrayLayout, path: string, options: StreamOptions): number {
  const { scale, unit } = scaleOf(layout, options);
  if (scale === "none") return 1;
  if (typeof scale === "number" && scale > 0 && Number.isFinite(scale)) return scale;
  if (scale === "unit" && unit !== undefined) return unit;
  if (typeof scale === "number") {
    throw new RangeError(`scale is ${scale}, expected a finite divisor above 0`);
  }
  throw new TypeError(
    cannotRead(path, `scale "${scale}" needs all its values at once; give a divisor`),
  );
}
