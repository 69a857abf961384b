/** The data set that everything else consumes: float32 rows, optional classes, and where from. */
import { cannotRead, elementsOf, type NumericArray } from "./array.ts";
import type { Classes } from "./classes.ts";
import { type ColumnKind, placesOf, titleOf } from "./columns.ts";
import { completeRows, type Missing } from "./missing.ts";
import { notesOn } from "./notes.ts";
import { expandCategories } from "./one_hot.ts";
import { applyScaling, type Scale, type Scaling, scalingOf } from "./scaling.ts";
import {
  checkRaw,
  checkShape,
  elementOf,
  fillsOf,
  type Schema,
  schemaOf,
  type TrainedOn,
} from "./schema.ts";
import { ColumnStatistics } from "./statistics.ts";

/** What is known about rows to cluster. */
export interface RowsInfo {
  /** Name of the set, or of the file without folders. */
  readonly name: string;
  /** Rows. */
  readonly n: number;
  /** Columns; height · width · channels for images. */
  readonly d: number;
  /** Rows of pixels of an image, where the source had images; given together with `width`. */
  readonly height?: number;
  /** Columns of pixels of an image. */
  readonly width?: number;
  /** Values of a pixel, red, green and blue side by side; absent: 1, grey. */
  readonly channels?: number;
  /** [n] the class that each row was given, for scoring alone. */
  readonly classes?: Uint32Array;
  /** The name of class i. */
  readonly classNames?: readonly string[];
  /** What was done to the raw values. */
  readonly scaling: Scaling;
  /** What the raw values were like. */
  readonly schema: Schema;
  /** What was supposed or looks wrong, for people. */
  readonly notes: readonly string[];
  /** [n] the rows' numbers in the source, from 0, where some were left out. */
  readonly rowNumbers?: Uint32Array;
  /** [n] what the rows are called, where the source has a column for it. */
  readonly ids?: readonly string[];
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
  /** What the rows are called, as many as there are. */
  readonly ids?: readonly string[];
  /** Absent: `"unit"` for unsigned bytes and where `unit` is given, else `"none"`. */
  readonly scale?: Scale;
  /** Divisor of `"unit"`, and the default scaling; absent: the integer type's largest value. */
  readonly unit?: number;
  /** Keeps the first rows only. */
  readonly limit?: number;
  /** What is done about NaN; absent: it is refused. */
  readonly missing?: Missing;
  /** What the columns of a table hold. */
  readonly kinds?: readonly ColumnKind[];
  /** What to say of the source. */
  readonly notes?: readonly string[];
  /** The data that a model was trained on: the rows get their scaling. */
  readonly trained?: TrainedOn;
  /** {@linkcode Dataset.source}; absent: the name. */
  readonly source?: string;
  /** {@linkcode Dataset.licence}. */
  readonly licence?: string;
}

/**
 * Makes a data set of an array [n, …]: rows are flattened, [n, h, w] (also [n, h, w, 1] and
 * [n, 1, h, w]) are images, and [n, h, w, 3] images in colour. Unsigned bytes are divided by 255 unless told otherwise; nothing else is
 * scaled by default. Scaling is computed in float64, and rounded to float32 once.
 * @throws {TypeError} for fewer than two dimensions.
 * @throws {RangeError} for no rows or columns, classes of another length, values that are not finite
 * in float32 (how many, and the first place) or too large to standardise, a bad `limit` or `scale`, and rows of another shape than
 * those of the training.
 */
export async function makeDataset(array: NumericArray, options: DatasetOptions): Promise<Dataset> {
  const { name, classes, trained } = options;
  const { missing = trained?.reading?.missing ?? "error" } = options;
  const measured = measureRows(array.shape, options);
  const { image } = measured;
  const isImage = image.height !== undefined;
  const kinds = options.kinds ?? Array.from({ length: isImage ? 0 : measured.d }, () => ({}));
  if (trained !== undefined) {
    const width = isImage ? measured.d : placesOf(kinds).length;
    checkShape(name, array.shape, { d: width, ...image }, trained);
  }
  const { values: complete, kept, fills } = completeRows(
    array.values.subarray(0, measured.n * measured.d),
    measured.d,
    missing,
    name,
    options.kinds,
    trained && fillsOf(trained, measured.d),
  );
  const { values, d } = expandCategories(complete, measured.d, kinds, name);
  const isReal = values instanceof Float32Array || values instanceof Float64Array;
  const finite = { remedy: trained === undefined ? `; ${ACCEPT_NAN}` : "", kinds };
  if (isReal) checkFloat32(values, (i) => values[i], d, name, finite);
  const n = values.length / d;
  const statistics = new ColumnStatistics(d).add(values);
  const scaling = trained?.scaling ?? scalingOf(statistics, scaleOf(array, options, isImage));
  if (scaling.kind === "standard" && trained === undefined) checkVariances(statistics, kinds, name);
  const data = new Float32Array(n * d);
  applyScaling(values, d, scaling, data);
  checkFloat32(data, (i) => values[i], d, name, finite);
  const schema = schemaOf(array.type, statistics, isImage ? undefined : kinds, fills);
  return {
    name,
    data,
    n,
    d,
    ...image,
    ...classesOf(classes, measured.n, kept),
    scaling,
    schema,
    notes: [
      ...options.notes ?? [],
      ...(kept === undefined ? [] : [noteOnDropped(measured.n - n, n)]),
      ...(trained === undefined
        ? notesOn(array, values, statistics, schema, scaling, options.scale)
        : checkRaw(name, schema, statistics, trained)),
    ],
    ...(kept === undefined ? {} : { rowNumbers: kept }),
    ...(options.ids === undefined
      ? {}
      : { ids: kept ? Array.from(kept, (i) => options.ids![i]) : options.ids.slice(0, n) }),
    digest: await digestOf(data, n, d),
    source: options.source ?? name,
    licence: options.licence ?? "",
  };
}

/** @throws {RangeError} for a column without a variance to divide by. */
function checkVariances(
  { overflowing }: ColumnStatistics,
  kinds: readonly ColumnKind[],
  name: string,
): void {
  if (overflowing.length === 0) return;
  const [j] = overflowing;
  const column = titleOf(placesOf(kinds)[j] ?? { number: j, name: "" });
  throw new RangeError(
    cannotRead(
      name,
      `values of column ${column} are so large that their variance is past float64; ` +
        "take them in a larger unit, as smaller numbers",
    ),
  );
}

function noteOnDropped(dropped: number, n: number): string {
  const left = dropped === 1
    ? "1 row with missing values is left out"
    : `${dropped} rows with missing values are left out`;
  return `${left}, ${n} ${n === 1 ? "is" : "are"} there`;
}

/** The classes of the first `n` rows, where there are classes. */
export function classesOf(
  classes: Classes | undefined,
  n: number,
  kept?: Uint32Array,
): Pick<RowsInfo, "classes" | "classNames"> {
  if (classes === undefined) return {};
  const { classNames } = classes;
  const own = classes.classes.slice(0, n);
  return {
    classes: kept === undefined ? own : kept.map((row) => own[row]),
    ...classNames && { classNames },
  };
}

/** Rows and columns of an array [n, …], and the size of the images where it holds images. */
export interface Extents {
  /** Rows. */
  readonly n: number;
  /** Columns. */
  readonly d: number;
  /** Empty where the rows are no images. */
  readonly image: Pick<RowsInfo, "height" | "width" | "channels">;
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
  const found = classes?.classes.length ?? rows;
  if (found !== rows) {
    const hint = found === rows + 1 ? "; is the first one the name of their column?" : "";
    throw new RangeError(
      cannotRead(name, `expected ${rows} classes, one a row, found ${found}${hint}`),
    );
  }
  const other = classes?.rows?.findIndex((row, i) => row !== i) ?? -1;
  if (other >= 0) {
    throw new RangeError(
      cannotRead(name, `its classes are those of other rows: row ${other} has none among them`),
    );
  }
  return { n: Math.min(rows, checkLimit(limit)), d, image: imageOf(shape) };
}

/** How the values of an array are scaled, where nothing else is asked for. */
export function scaleOf(
  { type, typeMax }: Pick<NumericArray, "type" | "typeMax">,
  options: Pick<DatasetOptions, "scale" | "unit">,
  isImage: boolean,
): { readonly scale: Scale; readonly unit?: number } {
  const unit = options.unit ?? typeMax;
  // Unsigned bytes are by custom pixels.
  const byDefault = options.unit !== undefined || elementOf(type) === "u1";
  const usual = byDefault ? "unit" : "none";
  // Pixels and bytes have one range by their nature; columns of tables are looked at.
  const isOpen = options.scale === undefined ||
    (options.scale === "auto" && (byDefault || isImage));
  const scale = isOpen ? usual : options.scale!;
  return unit === undefined ? { scale } : { scale, unit };
}

function checkLimit(limit: number = Infinity): number {
  if (limit === Infinity || (Number.isInteger(limit) && limit > 0)) return limit;
  throw new RangeError(`limit is ${limit}, expected a number of rows from 1 up`);
}

/** What of a message tells how NaN is accepted. */
export const ACCEPT_NAN = "--missing drop, mean or median accepts NaN";

/**
 * Checks rows [n, d], raw or in float32.
 * @param raw The i-th value as it was in the file. @param firstRow The number of the first row.
 * @param remedy Said of NaN; of rows for a trained model, the training has decided.
 * @param kinds Of a table's columns.
 * @throws {RangeError} naming how many values are not finite, and the first of them.
 */
export function checkFloat32(
  data: ArrayLike<number>,
  raw: (i: number) => number,
  d: number,
  name: string,
  { firstRow = 0, remedy, kinds = [] }: {
    readonly firstRow?: number;
    readonly remedy: string;
    readonly kinds?: readonly ColumnKind[];
  },
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
  const { number, name: called } = placesOf(kinds)[first % d] ?? { number: first % d, name: "" };
  const column = `column ${number} (${called && `${called}, `}from 0)`;
  const place = `row ${firstRow + Math.floor(first / d)}, ${column}`;
  throw new RangeError(
    cannotRead(
      name,
      count === 1
        ? `the value at ${place} is ${what}; every value must be finite`
        : `${count} values are not finite, the first at ${place} (${what})`,
    ) + (Number.isNaN(value) ? remedy : ""),
  );
}

/** Values of a pixel in colour. */
const COLOURS = 3;

function imageOf([, ...extents]: readonly number[]): Extents["image"] {
  const [a, b, c = 1] = extents;
  if (extents.length === 2 || (extents.length === 3 && c === 1)) return { height: a, width: b };
  if (extents.length !== 3) return {};
  if (a === 1) return { height: b, width: c };
  return c === COLOURS ? { height: a, width: b, channels: COLOURS } : {};
}

/** SHA-256 of the bytes, in hexadecimal. */
export async function sha256(bytes: ArrayBufferView): Promise<string> {
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
