/** The numeric array that every reader returns before scaling and classes are thought of. */

/** Element storage of a {@linkcode NumericArray}. 64-bit integers are read into Float64Array. */
export type Elements =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** A dense row-major array out of a file. */
export interface NumericArray {
  /** The file's word for its element type, for messages: `"ubyte"`, `"<f4"`, `"text"`. */
  readonly type: string;
  /** Extents, slowest first; empty for a scalar. */
  readonly shape: readonly number[];
  /** The elements, as many as the product of the shape. */
  readonly values: Elements;
  /**
   * Largest value of an 8- or 16-bit integer type, the divisor that scales it to 1. Wider integers
   * are counts rather than brightness: their type says nothing of their scale.
   */
  readonly typeMax?: number;
}

/** How an array lies in a file: what its header says. */
export interface ArrayLayout extends Omit<NumericArray, "values"> {
  /** How an element is stored. */
  readonly element: ElementType;
  /** Whether the least significant byte comes first. */
  readonly littleEndian: boolean;
  /** Bytes before the first element. */
  readonly start: number;
  /** Whether the first axis is the fastest, as in Fortran. */
  readonly fortran?: boolean;
}

/** Most elements that a reader accepts: 2³⁰, four gibibytes of float32. */
export const MAX_ELEMENTS = 2 ** 30;

/**
 * The one grammar of reading errors: `Cannot read FILE: …`. Rows and columns are counted from 0 in all
 * of them, as by `--class-column` and by arrays; lines of text from 1, as by editors.
 */
export function cannotRead(file: string, problem: string): string {
  return `Cannot read ${file}: ${problem}`;
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementsOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/**
 * Checks that as many elements as `shape` has are to be written.
 * @param format In the message. @throws {RangeError} where the two disagree.
 */
export function checkElements(format: string, found: number, shape: readonly number[]): void {
  const elements = elementsOf(shape);
  if (elements === found) return;
  throw new RangeError(
    `Cannot write ${format}: shape [${shape.join(", ")}] has ${elements} elements, found ${found}`,
  );
}

/** The bytes of a whole file of this header. */
export function lengthOf({ start, shape, element }: ArrayLayout): number {
  return start + elementsOf(shape) * elementBytes(element);
}

/**
 * Checks that a file of `found` bytes is exactly what its header promises.
 * @throws {SyntaxError} for a file that was cut short or goes on past its data.
 */
export function checkLength(
  file: string,
  found: number,
  layout: ArrayLayout,
): void {
  const { shape } = layout;
  const expected = lengthOf(layout);
  if (found !== expected) {
    const how = found < expected ? "the file is cut short" : "bytes follow the data";
    throw new SyntaxError(
      cannotRead(
        file,
        `expected ${expected} bytes for shape [${shape.join(", ")}], found ${found}: ${how}`,
      ),
    );
  }
}

/**
 * The array that a file's bytes hold.
 * @throws {SyntaxError} for a file that was cut short or goes on past its data.
 * @throws {RangeError} for more than {@linkcode MAX_ELEMENTS} elements, or a 64-bit integer past 2⁵³.
 */
export function decodeArray(file: string, bytes: Uint8Array, layout: ArrayLayout): NumericArray {
  const { type, shape, element, littleEndian, start, typeMax } = layout;
  checkLength(file, bytes.length, layout);
  if (elementsOf(shape) > MAX_ELEMENTS) {
    throw new RangeError(
      cannotRead(
        file,
        `${elementsOf(shape)} values are too many, at most ${MAX_ELEMENTS} fit in memory; ` +
          "rows can also be read as they are needed (--stream)",
      ),
    );
  }
  const stored = decodeElements(file, bytes.subarray(start), element, littleEndian);
  const values = layout.fortran ? rowMajor(stored, shape) : stored;
  return { type, shape, values, ...(typeMax === undefined ? {} : { typeMax }) };
}

/** Elements whose first axis is the fastest, with the last the fastest. */
function rowMajor(values: Elements, shape: readonly number[]): Elements {
  const result = values.slice();
  const strides = shape.map((_, axis) => elementsOf(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  for (let i = 0, from = 0; i < values.length; i++) {
    result[i] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

const DECODERS = {
  u1: { array: Uint8Array, bytes: 1, max: 255 },
  i1: { array: Int8Array, bytes: 1, max: 127 },
  u2: { array: Uint16Array, bytes: 2, max: 65535 },
  i2: { array: Int16Array, bytes: 2, max: 32767 },
  u4: { array: Uint32Array, bytes: 4, max: undefined },
  i4: { array: Int32Array, bytes: 4, max: undefined },
  f2: { array: Float16Array, bytes: 2, max: undefined },
  f4: { array: Float32Array, bytes: 4, max: undefined },
  f8: { array: Float64Array, bytes: 8, max: undefined },
} as const;

/** Element types that can be decoded from bytes, in NumPy's spelling; `u8` and `i8` are 64-bit. */
export type ElementType =
  | "u1"
  | "i1"
  | "u2"
  | "i2"
  | "u4"
  | "i4"
  | "u8"
  | "i8"
  | "f2"
  | "f4"
  | "f8";

/** Bytes of one element. */
export function elementBytes(type: ElementType): number {
  return type === "u8" || type === "i8" ? 8 : DECODERS[type].bytes;
}

/** Largest value of an 8- or 16-bit integer type. */
export function typeMaxOf(type: ElementType): Pick<NumericArray, "typeMax"> {
  if (type === "u8" || type === "i8") return {};
  const typeMax = DECODERS[type].max;
  return typeMax === undefined ? {} : { typeMax };
}

/**
 * Decodes elements, whatever the alignment of `bytes`.
 * @throws {RangeError} for a 64-bit integer that a double cannot hold exactly.
 */
export function decodeElements(
  file: string,
  bytes: Uint8Array,
  type: ElementType,
  littleEndian: boolean,
): Elements {
  // A copy: its start is aligned for any element type, and the file's bytes stay untouched.
  const body = bytes.slice();
  if (type === "u8" || type === "i8") return decodeLongs(file, body, type, littleEndian);
  const { array, bytes: size } = DECODERS[type];
  if (!littleEndian && size > 1) reverseElements(body, size);
  const values = new array(body.buffer);
  return values instanceof Float16Array ? new Float32Array(values) : values;
}

function decodeLongs(
  file: string,
  body: Uint8Array,
  type: "u8" | "i8",
  littleEndian: boolean,
): Float64Array {
  const view = new DataView(body.buffer);
  const values = new Float64Array(body.length / 8);
  for (let i = 0; i < values.length; i++) {
    const value = type === "u8"
      ? view.getBigUint64(8 * i, littleEndian)
      : view.getBigInt64(8 * i, littleEndian);
    values[i] = Number(value);
    if (!Number.isSafeInteger(values[i])) {
      throw new RangeError(
        cannotRead(file, `element ${i} is ${value}, integers must lie within ±(2⁵³ − 1)`),
      );
    }
  }
  return values;
}

function reverseElements(body: Uint8Array, size: number): void {
  for (let start = 0; start < body.length; start += size) {
    for (let low = start, high = start + size - 1; low < high; low++, high--) {
      const byte = body[low];
      body[low] = body[high];
      body[high] = byte;
    }
  }
}
