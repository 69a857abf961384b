/**
 * safetensors: eight bytes of header length (little-endian), a JSON header that gives type, shape
 * and byte range of each tensor, and the tensors. Read and written as Hugging Face's specification
 * says, for the types that dynae stores: F32, F64 and U32.
 */

/** A tensor's elements; the array type is the safetensors type (F32, F64, U32). */
export type TensorData = Float32Array | Float64Array | Uint32Array;

/** A named array of a checkpoint. */
export interface StoredTensor {
  /** Extents, slowest first; empty for a scalar. */
  readonly shape: readonly number[];
  /** Elements, row-major, as many as the product of the shape. */
  readonly data: TensorData;
}

/** The content of a safetensors file. */
export interface Safetensors {
  /** Tensors by name, in the order of the file's bytes. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Text entries of `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

const TYPES = { F32: Float32Array, F64: Float64Array, U32: Uint32Array } as const;
type TypeName = keyof typeof TYPES;

/** The specification's limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = "__metadata__";

interface Entry {
  readonly name: string;
  readonly type: TypeName;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Writes a safetensors file. The bytes depend on the content alone: tensors lie by descending
 * element size, then by name, so that each is aligned.
 * @param tensors Tensors by name.
 * @param metadata Text entries.
 * @throws {RangeError} where a shape and its data disagree, or a tensor is called `__metadata__`.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const sorted = [...tensors].sort(([a, x], [b, y]) =>
    y.data.BYTES_PER_ELEMENT - x.data.BYTES_PER_ELEMENT || (a < b ? -1 : a > b ? 1 : 0)
  );
  const keys = Object.keys(metadata).sort();
  const header: [string, unknown][] = keys.length === 0
    ? []
    : [[METADATA, Object.fromEntries(keys.map((key) => [key, metadata[key]]))]];
  let end = 0;
  for (const [name, { shape, data }] of sorted) {
    if (name === METADATA) {
      throw new RangeError(`Cannot write safetensors: no tensor may be called ${METADATA}`);
    }
    const elements = shape.reduce((product, extent) => product * extent, 1);
    if (elements !== data.length || !shape.every(isSize)) {
      throw new RangeError(
        `Cannot write safetensors: ${name} has shape [${
          shape.join(", ")
        }] and ${data.length} elements`,
      );
    }
    const begin = end;
    end += data.byteLength;
    header.push([name, { dtype: typeOf(data), shape, data_offsets: [begin, end] }]);
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = 8 * Math.ceil(text.length / 8);
  const bytes = new Uint8Array(8 + headerBytes + end).fill(0x20, 8 + text.length, 8 + headerBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.set(text, 8);
  let offset = 8 + headerBytes;
  for (const [, { data }] of sorted) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

function typeOf(data: TensorData): TypeName {
  if (data instanceof Float32Array) return "F32";
  return data instanceof Float64Array ? "F64" : "U32";
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Reads a safetensors file and checks all of it: the tensors' byte ranges must fit their shapes and
 * cover the data without gaps or overlaps.
 * @param bytes The whole file; it is copied from.
 * @param file Its name, for messages.
 * @throws {SyntaxError} for a truncated or malformed file.
 * @throws {TypeError} for a tensor of another type than F32, F64 and U32.
 */
export function decodeSafetensors(bytes: Uint8Array, file: string): Safetensors {
  const fail = (problem: string): never => {
    throw new SyntaxError(`Cannot read ${file}: ${problem}`);
  };
  if (bytes.length < 8) {
    fail(`expected at least 8 bytes of a safetensors file, found ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES) {
    fail(`a header of ${headerBytes} bytes is past the ${MAX_HEADER_BYTES} of safetensors`);
  }
  const start = 8 + headerBytes;
  if (bytes.length < start) {
    fail(`expected ${start} bytes of header, found ${bytes.length}: the file is cut short`);
  }
  const header = parseHeader(bytes.subarray(8, start), fail);
  const metadata: [string, string][] = [];
  const entries: Entry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === METADATA) metadata.push(...metadataOf(value, fail));
    else entries.push(entryOf(name, value, file, fail));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  const tensors = new Map<string, StoredTensor>();
  for (const { name, type, shape, begin, end } of entries) {
    if (begin !== covered) {
      fail(`tensor ${name} begins at byte ${begin} of the data, expected ${covered}`);
    }
    covered = end;
    if (start + end > bytes.length) {
      fail(`tensor ${name} ends at byte ${start + end}, the file at ${bytes.length}: cut short`);
    }
    // A copy, because a tensor need not be aligned within the file.
    const body = bytes.slice(start + begin, start + end).buffer;
    tensors.set(name, { shape, data: new TYPES[type](body) });
  }
  if (start + covered !== bytes.length) {
    fail(`expected ${start + covered} bytes, found ${bytes.length}: bytes follow the tensors`);
  }
  return { tensors, metadata: Object.fromEntries(metadata) };
}

type Fail = (problem: string) => never;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
  } catch (error) {
    fail(`its header is not JSON in UTF-8 (${(error as Error).message})`);
  }
  return isObject(header) ? header : fail("its header is not a JSON object");
}

function metadataOf(value: unknown, fail: Fail): [string, string][] {
  if (!isObject(value)) return fail(`${METADATA} is not an object of strings`);
  return Object.entries(value).map(([key, text]) =>
    typeof text === "string" ? [key, text] : fail(`${METADATA}.${key} is not a string`)
  );
}

/** As it stands in the header, or that it does not. */
function jsonOf(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value).slice(0, 80);
}

function entryOf(name: string, value: unknown, file: string, fail: Fail): Entry {
  if (!isObject(value)) return fail(`the header's entry ${name} is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string") return fail(`tensor ${name} has no dtype`);
  if (!Object.hasOwn(TYPES, dtype)) {
    throw new TypeError(
      `Cannot read ${file}: tensor ${name} is of type ${dtype}, expected F32, F64 or U32`,
    );
  }
  const type = dtype as TypeName;
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return fail(`tensor ${name} has shape ${jsonOf(shape)}, expected a list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(
      `tensor ${name} has data_offsets ${jsonOf(offsets)}, expected [begin, end]`,
    );
  }
  const [begin, end] = offsets as [number, number];
  const length = shape.reduce((product, extent) => product * extent, 1) *
    TYPES[type].BYTES_PER_ELEMENT;
  if (end - begin !== length) {
    return fail(
      `tensor ${name} spans bytes ${begin} to ${end}, expected ${length} for shape [${shape}]`,
    );
  }
  return { name, type, shape, begin, end };
}
