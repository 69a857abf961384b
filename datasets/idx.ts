/**
 * IDX, the format of MNIST: two zero bytes, a type byte, the number of dimensions, then that many
 * big-endian uint32 extents and the elements in row-major order, big-endian.
 * Described at the foot of the MNIST page of Y. LeCun, C. Cortes and C. Burges.
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

const TYPES: Readonly<Record<number, readonly [name: string, type: ElementType]>> = {
  0x08: ["ubyte", "u1"],
  0x09: ["byte", "i1"],
  0x0b: ["short", "i2"],
  0x0c: ["int", "i4"],
  0x0d: ["float", "f4"],
  0x0e: ["double", "f8"],
};

const KNOWN = Object.entries(TYPES)
  .map(([code, [name]]) => `${hex(Number(code))} ${name}`).join(", ");

/** IDX's words for element types, as NumPy calls them. */
export const IDX_TYPES: ReadonlyMap<string, ElementType> = new Map(Object.values(TYPES));

function hex(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Whether the bytes begin with an IDX magic number of a known type. */
export function isIdx(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] in TYPES;
}

/**
 * Reads an uncompressed IDX file.
 * @param bytes The whole file.
 * @param file Its name, for messages.
 * @returns The array with the file's shape; `typeMax` is 255 for ubyte.
 * @throws {SyntaxError} for a wrong magic number, a truncated file or trailing bytes.
 * @throws {RangeError} for more elements than fit.
 */
export function decodeIdx(bytes: Uint8Array, file: string): NumericArray {
  return decodeArray(file, bytes, idxLayout(bytes, file));
}

/**
 * Reads the header of an IDX file.
 * @param bytes The beginning of the file, the header at least.
 * @throws {SyntaxError} for a wrong magic number or a truncated header.
 */
export function idxLayout(bytes: Uint8Array, file: string): ArrayLayout {
  if (bytes.length < 4) {
    throw new SyntaxError(
      cannotRead(
        file,
        `expected at least the 4 bytes of an IDX magic number, found ${bytes.length}`,
      ),
    );
  }
  const known = TYPES[bytes[2]];
  if (bytes[0] !== 0 || bytes[1] !== 0 || known === undefined) {
    const magic = [...bytes.subarray(0, 4)].map(hex).join(" ");
    throw new SyntaxError(
      cannotRead(
        file,
        `wrong IDX magic number ${magic}, expected 00 00 TT NN with type TT ${KNOWN}`,
      ),
    );
  }
  const [type, element] = known;
  const rank = bytes[3];
  const start = 4 + 4 * rank;
  if (bytes.length < start) {
    throw new SyntaxError(
      cannotRead(
        file,
        `expected ${start} bytes of IDX header for ${rank} dimensions, found ${bytes.length}`,
      ),
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { type, shape, element, littleEndian: false, start, ...typeMaxOf(element) };
}

/**
 * Writes an IDX file of type ubyte or float.
 * @param values Elements in row-major order, as many as the product of `shape`.
 * @throws {RangeError} where the two disagree, or IDX cannot express the shape.
 */
export function encodeIdx(
  values: Uint8Array | Float32Array,
  shape: readonly number[],
): Uint8Array {
  checkElements("IDX", values.length, shape);
  if (shape.length > 255 || shape.some((extent) => extent > 2 ** 32 - 1)) {
    throw new RangeError(
      `Cannot write IDX: shape [${shape.join(", ")}] is past 255 dimensions of 2³² − 1`,
    );
  }
  const header = 4 + 4 * shape.length;
  const bytes = new Uint8Array(header + values.byteLength);
  const view = new DataView(bytes.buffer);
  const real = values instanceof Float32Array;
  bytes.set([0, 0, real ? 0x0d : 0x08, shape.length]);
  shape.forEach((extent, axis) => view.setUint32(4 + 4 * axis, extent));
  if (real) values.forEach((value, i) => view.setFloat32(header + 4 * i, value));
  else bytes.set(values, header);
  return bytes;
}
