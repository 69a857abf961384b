/**
 * PNG files before they are decoded: chunks, checksums, sizes (W3C, Portable Network Graphics, third
 * edition, sections 5, 8 and 11).
 */
import type { DecodedPng } from "fast-png";
import { cannotRead } from "./array.ts";
import { crc32 } from "./crc32.ts";
import { inflate, MOST_EXPANSION } from "./inflate.ts";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Values of a pixel by colour type, and the depths that it may have. */
const KINDS: Readonly<Record<number, readonly [channels: number, depths: readonly number[]]>> = {
  0: [1, [1, 2, 4, 8, 16]],
  2: [3, [8, 16]],
  3: [1, [1, 2, 4, 8]],
  4: [2, [8, 16]],
  6: [4, [8, 16]],
};
/** First column and row, and the distance to the next, of the seven passes of interlacing. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
/** What an image needs; all else, which may be hostile by itself, is left out. */
const NEEDED = ["IHDR", "IDAT", "IEND"];

const STREAM_DAMAGED = "the PNG's stream of pixels is damaged";

/** Most values of an image: a gibibyte of float32. */
export const MAX_PNG_VALUES = 2 ** 28;

/** Whether the bytes begin as a PNG file does. */
export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && SIGNATURE.every((byte, i) => bytes[i] === byte);
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Of a pixel. */
  readonly bits: number;
  readonly isInterlaced: boolean;
  readonly isIndexed: boolean;
}

/** A PNG that can be decoded. */
export interface CheckedPng {
  /** The file, of its chunks those that make the image alone. */
  readonly bytes: Uint8Array;
  /** Whether a colour, or colours of the palette, are transparent: that is left out. */
  readonly hasTransparency: boolean;
}

/**
 * The file without what its image does not need, once it is known that it is whole and that decoding it
 * takes no more memory than its size calls for.
 * @throws {SyntaxError} for what is no PNG, cut short, or damaged.
 * @throws {RangeError} for more than {@linkcode MAX_PNG_VALUES} values.
 */
export async function checkPng(bytes: Uint8Array, file: string): Promise<CheckedPng> {
  const damaged = (problem: string) => new SyntaxError(cannotRead(file, problem));
  if (!isPng(bytes)) throw damaged("it does not begin as a PNG file does");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const kept: Uint8Array[] = [bytes.subarray(0, 8)];
  const data: Uint8Array[] = [];
  let header: Header | undefined;
  let colours = 0;
  let hasTransparency = false;
  let at = 8;
  for (let type = ""; type !== "IEND";) {
    if (at + 12 > bytes.length) throw damaged("the PNG is cut short");
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) throw damaged("the PNG is cut short");
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (view.getUint32(end - 4) !== crc32(bytes.subarray(at + 4, end - 4))) {
      throw damaged(`the checksum of its chunk at byte ${at} is wrong: the PNG is damaged`);
    }
    const body = bytes.subarray(at + 8, end - 4);
    if ((header === undefined) !== (type === "IHDR")) {
      throw damaged("its first chunk, and no other, must be its header");
    }
    if (type === "IHDR") header = headerOf(body, file);
    if (type === "PLTE") {
      if (length === 0 || length % 3 !== 0 || length > 768 || colours > 0) {
        throw damaged("its palette is damaged");
      }
      colours = length / 3;
    }
    if (type === "tRNS") hasTransparency = true;
    if (type === "IDAT") data.push(body);
    if (NEEDED.includes(type) || (type === "PLTE" && header?.isIndexed)) {
      kept.push(bytes.subarray(at, end));
    }
    at = end;
  }
  if (data.length === 0 || header === undefined) throw damaged("it holds no image");
  if (header.isIndexed && colours === 0) throw damaged("its palette is missing");
  if (at !== bytes.length) throw damaged("bytes follow the PNG");
  await checkPixels(joined(data), header, file);
  const checked = joined(kept);
  if (header.isIndexed) {
    const indices = unpackBits(await decodeChecked(checked, file));
    if (indices.some((index) => index >= colours)) {
      throw damaged("it has colours that its palette lacks");
    }
  }
  return { bytes: checked, hasTransparency };
}

/**
 * Decodes a PNG that has passed {@linkcode checkPng}, by a package that is loaded when one is met.
 * @throws {SyntaxError} for a stream that the package, unlike the platform, cannot read.
 */
export async function decodeChecked(bytes: Uint8Array, file: string): Promise<DecodedPng> {
  const { decode } = await import("fast-png");
  try {
    return decode(bytes);
  } catch (error) {
    throw new SyntaxError(cannotRead(file, STREAM_DAMAGED), { cause: error });
  }
}

/** The values of a PNG; of those of 1, 2 and 4 bits, several share a byte, and lines begin anew. */
export function unpackBits(
  { data, depth, width, height }: Pick<DecodedPng, "data" | "depth" | "width" | "height">,
): DecodedPng["data"] {
  if (depth >= 8) return data;
  const line = Math.ceil(width * depth / 8);
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * line + (bit >> 3)];
    return byte >> (8 - depth - bit % 8) & (2 ** depth - 1);
  });
}

function headerOf(body: Uint8Array, file: string): Header {
  const damaged = () => new SyntaxError(cannotRead(file, "its PNG header is damaged"));
  if (body.length !== 13) throw damaged();
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, colour, compression, filter, interlace] = body.subarray(8);
  const kind = KINDS[colour];
  if (
    width === 0 || height === 0 || compression !== 0 || filter !== 0 || interlace > 1 ||
    !kind?.[1].includes(depth)
  ) throw damaged();
  const [channels] = kind;
  if (interlace === 1 && depth < 8) {
    throw new SyntaxError(
      cannotRead(file, `interlaced PNGs of ${depth} bits are not supported; save it without`),
    );
  }
  if (width * height * Math.max(3, channels) > MAX_PNG_VALUES) {
    throw new RangeError(
      cannotRead(
        file,
        `its ${width} × ${height} pixels are too many; at most ${MAX_PNG_VALUES / 4} are read`,
      ),
    );
  }
  const isIndexed = colour === 3;
  return { width, height, bits: channels * depth, isInterlaced: interlace === 1, isIndexed };
}

/** Checks the stream, its length, and the filters of its lines. */
async function checkPixels(packed: Uint8Array, header: Header, file: string): Promise<void> {
  const damaged = () => new SyntaxError(cannotRead(file, STREAM_DAMAGED));
  const lines = linesOf(header);
  const size = lines.reduce((sum, { count, bytes }) => sum + count * (1 + bytes), 0);
  // Before memory is taken: no stream of this length can expand to it.
  if (size > MOST_EXPANSION * packed.length) throw damaged();
  const values = await inflate(packed, "deflate", size).catch(() => {
    throw damaged();
  });
  if (values.length !== size) throw damaged();
  let at = 0;
  for (const { count, bytes } of lines) {
    for (let line = 0; line < count; line++, at += 1 + bytes) {
      if (values[at] > 4) throw damaged();
    }
  }
}

/** The lines of each pass, and their bytes without the one that names the filter. */
function linesOf(
  { width, height, bits, isInterlaced }: Header,
): { count: number; bytes: number }[] {
  const passes = isInterlaced ? PASSES : [[0, 0, 1, 1]];
  return passes.flatMap(([left, top, right, down]) => {
    const columns = Math.ceil((width - left) / right);
    const count = Math.ceil((height - top) / down);
    return columns > 0 && count > 0 ? [{ count, bytes: Math.ceil(columns * bits / 8) }] : [];
  });
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
