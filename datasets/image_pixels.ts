/** Pixels of PNG, JPEG and WebP files, which the runtime decodes. */
import { cannotRead } from "./array.ts";
import { checkPng } from "./png.ts";

/** Formats that are read, as image-dimensions calls them. */
const TYPES: readonly string[] = ["png", "jpeg", "webp"];

/** Most pixels of an image: a decoded one takes four bytes each. */
const MAX_PIXELS = 2 ** 27;
/**
 * Most pixels that a byte of a JPEG can stand for: a bit at least for each block of 8 × 8 (ITU-T T.81,
 * F.1.2 and G.1.2), of the component that is not subsampled.
 */
const JPEG_PIXELS = 8 * 64;

/** Height and width. */
export type ImageSize = readonly [height: number, width: number];

/** An image of bytes: grey, or red, green and blue side by side. */
export interface Pixels {
  /** Rows of pixels. */
  readonly height: number;
  /** Columns of pixels. */
  readonly width: number;
  /** Values of a pixel; 1 where all pixels are grey. */
  readonly channels: 1 | 3;
  /** [height, width, channels] */
  readonly values: Uint8Array;
  /** Whether it has transparency, which is left out. */
  readonly hasAlpha: boolean;
}

/**
 * Decodes an image, turned as its EXIF data say.
 * @param file Its name, for messages. @param size To scale it to, whatever its proportions.
 * @throws {SyntaxError} for a damaged image, or another format. @throws {RangeError} for a huge one.
 */
export async function readPixels(
  bytes: Uint8Array,
  file: string,
  size?: ImageSize,
): Promise<Pixels> {
  const { imageDimensionsFromData } = await import("image-dimensions");
  const found = imageDimensionsFromData(bytes);
  if (found === undefined || !TYPES.includes(found.type)) {
    throw new SyntaxError(cannotRead(file, "it is no PNG, JPEG or WebP image"));
  }
  const { width, height, type } = found;
  if (width * height > MAX_PIXELS) {
    throw new RangeError(
      cannotRead(file, `${height} × ${width} pixels are too many, at most ${MAX_PIXELS} are read`),
    );
  }
  if (type === "png") await checkPng(bytes, file);
  if (type === "jpeg" && width * height > JPEG_PIXELS * bytes.length) {
    throw new SyntaxError(
      cannotRead(file, `its ${bytes.length} bytes cannot hold ${height} × ${width} pixels`),
    );
  }
  const blob = new Blob([bytes as BlobPart], { type: `image/${type}` });
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(blob);
  } catch (error) {
    const { message } = error as Error;
    throw new SyntaxError(cannotRead(file, `the image is damaged (${message})`), { cause: error });
  }
  if (size === undefined) return await pixelsOf(bitmap);
  // After decoding: in one go, it would be scaled before it is turned.
  const [resizeHeight, resizeWidth] = size;
  return await pixelsOf(
    await createImageBitmap(bitmap, { resizeHeight, resizeWidth, resizeQuality: "high" }),
  );
}

/**
 * What a bitmap holds. Its pixels cannot be asked for where nothing draws; but a canvas shows it, and
 * gives the picture back as a PNG.
 */
async function pixelsOf(bitmap: ImageBitmap): Promise<Pixels> {
  const { height, width } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("bitmaprenderer")!.transferFromImageBitmap(bitmap);
  const blob = await canvas.convertToBlob({ type: "image/png" });
  const { decode } = await import("fast-png");
  const { data, depth, channels: all } = decode(new Uint8Array(await blob.arrayBuffer()));
  const bytes = depth === 16 ? Uint8Array.from(data, (value) => Math.round(value / 257)) : data;
  const channels = all >= 3 && hasColour(bytes, all) ? 3 : 1;
  const values = new Uint8Array(height * width * channels);
  for (let i = 0; i < values.length; i++) {
    values[i] = bytes[Math.floor(i / channels) * all + i % channels];
  }
  return { height, width, channels, values, hasAlpha: all === 2 || all === 4 };
}

/** Whether red, green and blue of some pixel differ. */
function hasColour(values: ArrayLike<number>, channels: number): boolean {
  for (let i = 0; i < values.length; i += channels) {
    if (values[i] !== values[i + 1] || values[i] !== values[i + 2]) return true;
  }
  return false;
}

/** Values [height, width, channels] in other channels: grey is the luma of ITU-R BT.601. */
export function inChannels({ values, channels }: Pixels, wanted: 1 | 3): Uint8Array {
  if (channels === wanted) return values;
  if (wanted === 3) {
    return Uint8Array.from({ length: 3 * values.length }, (_, i) => values[i / 3 | 0]);
  }
  return Uint8Array.from({ length: values.length / 3 }, (_, i) => {
    const [red, green, blue] = [values[3 * i], values[3 * i + 1], values[3 * i + 2]];
    return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
  });
}
