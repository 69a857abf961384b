/**
 * NPY, NumPy's file of one array: `\x93NUMPY`, a version, the header's length, the header (a Python
 * dictionary with `descr`, `fortran_order` and `shape`), and the elements.
 * Described in NumPy's documentation of `numpy.lib.format`, versions 1.0 to 3.0.
 */
import {
  type ArrayLayout,
  cannotRead,
  checkElements,
  decodeArray,
  type ElementType,
  type NumericArray,
  typeMaxOf,
} from "./array.ts";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const TYPES: readonly string[] = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"];

/** Whether the bytes begin as an NPY file does. */
export function isNpy(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads an NPY file of booleans, integers or 16-, 32- or 64-bit reals, in C or Fortran order.
 * @param bytes The whole file.
 * @param file Its name, for messages.
 * @returns The array with the file's shape; `typeMax` is 255 for `|u1` and absent for reals.
 * @throws {SyntaxError} for a wrong magic number or header, a truncated file or trailing bytes.
 * @throws {TypeError} for element types that are not numbers.
 * @throws {RangeError} for more elements than fit, or 64-bit integers past 2⁵³.
 */
export function decodeNpy(bytes: Uint8Array, file: string): NumericArray {
  return decodeArray(file, bytes, npyLayout(bytes, file));
}

/**
 * Reads the header of an NPY file.
 * @param bytes The beginning of the file, the header at least.
 * @throws as {@linkcode decodeNpy}, but for the elements.
 */
export function npyLayout(bytes: Uint8Array, file: string): ArrayLayout {
  if (!isNpy(bytes)) {
    throw new SyntaxError(
      cannotRead(file, `it does not begin with the bytes 93 4e 55 4d 50 59 of an NPY file`),
    );
  }
  const [header, start] = headerOf(bytes, file);
  const { descr, fortran, shape } = parseHeader(header, file);
  const kind = descr.slice(1) === "b1" ? "u1" : descr.slice(1);
  if (!"<>|=".includes(descr[0]) || !TYPES.includes(kind)) {
    throw new TypeError(
      cannotRead(
        file,
        `element type '${descr}' is not supported; save it with x.astype('float32'), names with ` +
          "x.astype(str)",
      ),
    );
  }
  const element = kind as ElementType;
  const littleEndian = descr[0] !== ">";
  return {
    type: descr,
    shape,
    element,
    littleEndian,
    start,
    ...typeMaxOf(element),
    fortran: fortran && shape.length > 1,
  };
}

/**
 * The strings of an NPY file of dtype `U` or `S` and of shape [n] or [n, 1]; undefined where it holds
 * something else.
 * @throws {SyntaxError} for a damaged header, or a file that is cut short.
 */
export function decodeNpyText(bytes: Uint8Array, file: string): string[] | undefined {
  const [header, start] = headerOf(bytes, file);
  const { descr, shape } = parseHeader(header, file);
  const match = /^([<>|=])([US])(\d+)$/.exec(descr);
  if (match === null || shape.slice(1).some((extent) => extent !== 1)) return undefined;
  const wide = match[2] === "U";
  const size = Number(match[3]) * (wide ? 4 : 1);
  if (bytes.length !== start + size * (shape[0] ?? 1)) {
    throw new SyntaxError(
      cannotRead(file, `expected ${shape[0] ?? 1} strings of ${size} bytes: the file is cut short`),
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: shape[0] ?? 1 }, (_, row) => {
    const at = start + row * size;
    const codes = wide
      ? Array.from({ length: size / 4 }, (_, i) => view.getUint32(at + 4 * i, match[1] !== ">"))
      : [...bytes.subarray(at, at + size)];
    const text = codes.filter((code) => code !== 0);
    if (text.some((code) => code > 0x10ffff)) {
      throw new SyntaxError(cannotRead(file, `string ${row} holds no Unicode`));
    }
    return wide ? String.fromCodePoint(...text) : new TextDecoder().decode(Uint8Array.from(text));
  });
}

function headerOf(bytes: Uint8Array, file: string): [header: string, offset: number] {
  const major = bytes[6];
  if (bytes.length < 10 || (major !== 1 && bytes.length < 12)) {
    throw new SyntaxError(cannotRead(file, `its NPY header is cut short at ${bytes.length} bytes`));
  }
  if (major < 1 || major > 3 || bytes[7] !== 0) {
    throw new SyntaxError(
      cannotRead(file, `NPY version ${major}.${bytes[7]} is unknown, expected 1.0, 2.0 or 3.0`),
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = major === 1 ? 10 : 12;
  if (start + length > bytes.length) {
    throw new SyntaxError(
      cannotRead(file, `expected ${length} bytes of NPY header, found ${bytes.length - start}`),
    );
  }
  const text = bytes.subarray(start, start + length);
  return [new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(text), start + length];
}

/** The three entries are looked for by themselves, so that their order and spacing are free. */
function parseHeader(
  header: string,
  file: string,
): { descr: string; fortran: boolean; shape: number[] } {
  const text = header.replace(/^[ \t\n]+|[ \t\n]+$/g, "");
  const descr = /'descr'[ \t\n]*:[ \t\n]*(?:'([^']*)'|(\[.*\]))/s.exec(text);
  const fortran = /'fortran_order'[ \t\n]*:[ \t\n]*(True|False)\b/.exec(text);
  const shape = /'shape'[ \t\n]*:[ \t\n]*\(([ \t\n\d,L]*)\)/.exec(text);
  // Nothing else may be there, and commas between.
  const rest = [descr, fortran, shape].reduce(
    (left, found) => left.replace(found?.[0] ?? "", "x"),
    text,
  );
  if (
    !descr || !fortran || !shape || !/^\{[ \t\n]*(?:x[ \t\n]*(?:,[ \t\n]*|(?=\}))){3}\}$/.test(rest)
  ) {
    throw new SyntaxError(
      cannotRead(
        file,
        `its NPY header ${
          JSON.stringify(text.slice(0, 80))
        } does not give descr, fortran_order and shape`,
      ),
    );
  }
  if (descr[1] === undefined) {
    throw new TypeError(
      cannotRead(file, "it holds records of several fields; save one plain array of numbers"),
    );
  }
  const extents = shape[1].split(",").map((extent) => extent.trim().replace(/L$/, ""));
  if (extents.at(-1) === "") extents.pop();
  if (extents.some((extent) => !/^(0|[1-9]\d*)$/.test(extent))) {
    throw new SyntaxError(
      cannotRead(file, `its NPY shape (${shape[1]}) is not a list of integers`),
    );
  }
  return { descr: descr[1], fortran: fortran[1] === "True", shape: extents.map(Number) };
}

/**
 * Writes an NPY file, version 1.0, little-endian, C order.
 * @param values Elements in row-major order, as many as the product of `shape`.
 * @throws {RangeError} where the two disagree.
 */
export function encodeNpy(
  values: Float32Array | Uint32Array,
  shape: readonly number[],
): Uint8Array {
  checkElements("NPY", values.length, shape);
  const descr = values instanceof Float32Array ? "<f4" : "<u4";
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const dictionary = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Padded with spaces and ended by a newline, so that the elements start on a multiple of 64.
  const start = 64 * Math.ceil((10 + dictionary.length + 1) / 64);
  const bytes = new Uint8Array(start + values.byteLength);
  bytes.set(MAGIC);
  bytes.set([1, 0], 6);
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(`${dictionary.padEnd(start - 11)}\n`), 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), start);
  return bytes;
}
