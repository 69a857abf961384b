/** PNG files as images of numbers, and back; the codec is loaded when one is met. */
import { checkPng, decodeChecked, unpackBits } from "../datasets/png.ts";
import type { Image } from "../models/segmentation/image_patches.ts";
import { EXIT, Failure, usageError } from "./errors.ts";

/** An image with what its file says of its values. */
export interface PngImage extends Image {
  /** Bits of a value of the file that is written like it. */
  readonly depth: 8 | 16;
  /** Whether the file has transparency, which is left out. */
  readonly hasAlpha: boolean;
}

/** Reads a PNG: see {@linkcode decodePng}. @throws {Failure} for a file that is missing, and a folder. */
export async function readPng(path: string): Promise<PngImage> {
  const bytes = await Deno.readFile(path).catch((error) => {
    if (error instanceof Deno.errors.IsADirectory) {
      throw usageError(`${path} is a folder; name a PNG in it`);
    }
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Failure(`Cannot read ${path}: there is no such file`, EXIT.failed);
  });
  return await decodePng(bytes, path);
}

/**
 * The bytes of a PNG as grey or colour in [0, 1]. Palettes become colours; transparency is left out.
 * @throws {SyntaxError} for one that is damaged. @throws {RangeError} for one that is too large.
 */
export async function decodePng(bytes: Uint8Array, path: string): Promise<PngImage> {
  const { bytes: whole, hasTransparency } = await checkPng(bytes, path);
  const { convertIndexedToRgb } = await import("fast-png");
  const png = await decodeChecked(whole, path);
  const { width, height, palette } = png;
  const depth = png.depth === 16 ? 16 : 8;
  const values = palette ? convertIndexedToRgb(png) : unpackBits(png);
  const all = values.length / (width * height);
  const channels = all < 3 ? 1 : 3;
  const white = palette ? 255 : 2 ** png.depth - 1;
  const data = new Float32Array(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    data[i] = values[Math.floor(i / channels) * all + i % channels] / white;
  }
  const hasAlpha = all > channels || hasTransparency;
  return { data, height, width, channels, depth, hasAlpha };
}

/** A PNG of values in [0, 1], those beyond clipped: grey or colour, by the channels. */
export async function encodePng(
  { data, height, width, channels }: Image,
  depth: 8 | 16 = 8,
): Promise<Uint8Array> {
  const white = 2 ** depth - 1;
  const values = data.map((value) => Math.max(0, Math.min(white, Math.round(value * white))));
  const { encode } = await import("fast-png");
  const pixels = depth === 16 ? Uint16Array.from(values) : Uint8Array.from(values);
  return encode({ width, height, data: pixels, channels, depth });
}

/** The colour of a class in [0, 1]: hues that the golden ratio spreads, in three brightnesses. */
function colourOf(label: number): [red: number, green: number, blue: number] {
  const hue = 6 * ((label * 0.618034) % 1);
  const value = [0.95, 0.7, 0.45][Math.floor(label / 6) % 3];
  const part = (offset: number) => {
    const place = (hue + offset) % 6;
    return value * (1 - 0.75 * Math.max(0, Math.min(1, place, 4 - place)));
  };
  return [part(5), part(3), part(1)];
}

/** Labels [height, width] as an image in which every class has a colour. */
export function colourLabels(labels: Uint32Array, height: number, width: number): Image {
  const data = Float32Array.from([...labels].flatMap(colourOf));
  return { data, height, width, channels: 3 };
}
