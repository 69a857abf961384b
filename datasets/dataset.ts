/** The data set that everything else consumes: float32 rows, optional classes, and where from. */
import { cannotRead, elementsOf, type NumericArray } from "./array.ts";
import type { Classes } from "./classes.ts";
import { type Scale, scaleRows, type Scaling } from "./scaling.ts";

/** What is known about rows to cluster. */
export interface RowsInfo {
  /** Name of the set, or of the file without folders. */
  readonly name: string;
  /** Rows. */
  readonly n: number;
  /** Columns; height · width for images. */
  readonly d: number;
  /** Rows of pixels of an image, where the source had images; given together with `width`. */
  readonly height?: number;
  /** Columns of pixels of an image. */
  readonly width?: number;
  /** [n] the class that each row was given, for scoring alone. */
  readonly classes?: Uint32Array;
  /** The name of class i. */
  readonly classNames?: readonly string[];
  /** What was done to the raw values. */
  readonly scaling: Scaling;
  /** SHA-256 of what training depends on, in hexadecimal. */
  readonly digest: string;
  /** Where the data come from: a file, or the authors of a named set. */
  readonly source: string;
  /** Terms of use; empty where unknown. */
  readonly licence: string;
}

/**
 * Rows to cluster, and what is known about them. `digest` is that of the shape and the scaled
 * float32 values: classes, names and the file format do not enter.
 */
export interface Dataset extends RowsInfo {
  /** [n, d] row-major, scaled as `scaling` says; all finite. */
  readonly data: Float32Array;
}

/** What {@linkcode makeDataset} is told beside the values. */
export interface DatasetOptions {
  /** {@linkcode Dataset.name}, also for messages. */
  readonly name: string;
  /** As many as there are rows. */
  readonly classes?: Classes;
  /** Absent: `"unit"` for unsigned bytes and where `unit` is given, else `"none"`. */
  readonly scale?: Scale;
  /** Divisor of `"unit"`, and the default scaling; absent: the integer type's largest value. */
  readonly unit?: number;
  /** Keeps the first rows only. */
  readonly limit?: number;
  /** {@linkcode Dataset.source}; absent: the name. */
  readonly source?: string;
  /** {@linkcode Dataset.licence}. */
  readonly licence?: string;
}

/** Types that are scaled by default: unsigned bytes, which by custom are pixels. */
const BYTE_TYPES = ["ubyte", "|u1", "<u1", ">u1", "=u1"];

/**
 * Makes a data set of an array [n, …]: rows are flattened, and [n, h, w] (also [n, h, w, 1] and
 * [n, 1, h, w]) are images. Unsigned bytes are divided by 255 unless told otherwise; nothing else is
 * scaled by default. Values outside float32's precision are rounded.
 * @throws {TypeError} for fewer than two dimensions.
 * @throws {RangeError} for no rows or columns, classes of another length, values that are not finite
 * in float32 (how many, and the first place), a bad `limit` or `scale`.
 */
export async function makeDataset(array: NumericArray, options: DatasetOptions): Promise<Dataset> {
  const { name, classes } = options;
  const { n, d, image } = measureRows(array.shape, options);
  const data = new Float32Array(array.values.subarray(0, n * d));
  checkFloat32(data, (i) => array.values[i], d, name);
  const scaling = scaleRows(data, d, scaleOf(array, options));
  return {
    name,
    data,
    n,
    d,
    ...image,
    ...classesOf(classes, n),
    scaling,
    digest: await digestOf(data, n, d),
    source: options.source ?? name,
    licence: options.licence ?? "",
  };
}

/** The classes of the first `n` rows, where there are classes. */
export function classesOf(
  classes: Classes | undefined,
  n: number,
): Pick<RowsInfo, "classes" | "classNames"> {
  if (classes === undefined) return {};
  return { ...classes, classes: classes.classes.slice(0, n) };
}

/** Rows and columns of an array [n, …], and the size of the images where it holds images. */
export interface Extents {
  /** Rows. */
  readonly n: number;
  /** Columns. */
  readonly d: number;
  /** Empty where the rows are no images. */
  readonly image: { readonly height?: number; readonly width?: number };
}

/**
 * Takes an array's shape as rows.
 * @throws {TypeError} for fewer than two dimensions.
 * @throws {RangeError} for no rows or columns, classes of another length, or a bad `limit`.
 */
export function measureRows(
  shape: readonly number[],
  { name, classes, limit }: Pick<DatasetOptions, "name" | "classes" | "limit">,
): Extents {
  if (shape.length < 2) {
    throw new TypeError(
      cannotRead(name, `expected rows of shape [n, d] or [n, h, w], found [${shape.join(", ")}]`),
    );
  }
  const rows = shape[0];
  const d = elementsOf(shape.slice(1));
  if (rows === 0 || d === 0) {
    throw new RangeError(
      cannotRead(name, `it holds no values: its shape is [${shape.join(", ")}]`),
    );
  }
  if (classes !== undefined && classes.classes.length !== rows) {
    throw new RangeError(
      cannotRead(name, `expected ${rows} classes, one a row, found ${classes.classes.length}`),
    );
  }
  const image = imageOf(shape);
  return {
    n: Math.min(rows, checkLimit(limit)),
    d,
    image: image === undefined ? {} : { height: image[0], width: image[1] },
  };
}

/** How the values of an array are scaled, where nothing else is asked for. */
export function scaleOf(
  { type, typeMax }: Pick<NumericArray, "type" | "typeMax">,
  options: Pick<DatasetOptions, "scale" | "unit">,
): { readonly scale: Scale; readonly unit?: number } {
  const unit = options.unit ?? typeMax;
  const byDefault = options.unit !== undefined || BYTE_TYPES.includes(type);
  const scale = options.scale ?? (byDefault ? "unit" : "none");
  return unit === undefined ? { scale } : { scale, unit };
}

function checkLimit(limit: number = Infinity): number {
  if (limit === Infinity || (Number.isInteger(limit) && limit > 0)) return limit;
  throw new RangeError(`limit is ${limit}, expected a number of rows from 1 up`);
}

/**
 * Checks that all values of rows [n, d] are finite in float32.
 * @param raw The i-th value as it was in the file. @param firstRow The number of the first row.
 * @throws {RangeError} naming how many values are not finite, and the first of them.
 */
export function checkFloat32(
  data: Float32Array,
  raw: (i: number) => number,
  d: number,
  name: string,
  firstRow = 0,
): void {
  let count = 0, first = -1;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    if (first < 0) first = i;
    count++;
  }
  if (count === 0) return;
  const value = raw(first);
  const what = Number.isFinite(value) ? `${value}, past the range of float32` : `${value}`;
  const place = `row ${firstRow + Math.floor(first / d)}, column ${first % d}`;
  throw new RangeError(
    cannotRead(
      name,
      count === 1
        ? `the value at ${place} is ${what}; every value must be finite`
        : `${count} values are not finite, the first at ${place} (${what})`,
    ),
  );
}

function imageOf(shape: readonly number[]): [height: number, width: number] | undefined {
  const extents = shape.slice(1);
  if (extents.length === 3 && extents[2] === 1) return [extents[0], extents[1]];
  if (extents.length === 3 && extents[0] === 1) return [extents[1], extents[2]];
  return extents.length === 2 ? [extents[0], extents[1]] : undefined;
}

/** SHA-256 of the bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array | Float32Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * {@linkcode Dataset.digest}: the hash of a line of text that gives the shape and the hash of the
 * values, so that the values are hashed where they lie.
 */
async function digestOf(data: Float32Array, n: number, d: number): Promise<string> {
  const line = `float32 [${n}, ${d}] ${await sha256(data)}`;
  return sha256(new TextEncoder().encode(line));
}
