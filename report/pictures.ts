/** The images of rows as PNG in data URLs. */
import type { Dataset } from "../datasets/dataset.ts";
import type { StreamedDataset } from "../datasets/row_file.ts";
import { imageGrid, rangeOf } from "./image_grid.ts";

/** Pixels of the longer side beyond which images are made smaller. */
const MOST_SIDE = 32;
/** Images of a row of a sheet. */
const COLUMNS = 64;

/** Some images. */
interface Images {
  /** [m, height·width·channels] row-major. */
  readonly values: Float32Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Many images in one picture, row by row, without gaps. */
export interface Sheet {
  /** Of the PNG. */
  readonly url: string;
  /** Images of a row. */
  readonly columns: number;
  /** Of an image, in pixels. */
  readonly width: number;
  /** Of an image, in pixels. */
  readonly height: number;
}

/** Values of an image as it is shown; undefined where the rows are no images. */
export function shownValues(
  { height, width, channels = 1 }: Pick<Dataset, "height" | "width" | "channels">,
): number | undefined {
  if (height === undefined || width === undefined) return undefined;
  const factor = factorOf(height, width);
  return Math.ceil(height / factor) * Math.ceil(width / factor) * channels;
}

/** The images of these rows in one picture. */
export async function sheetOf(
  data: Dataset | StreamedDataset,
  rows: ArrayLike<number>,
): Promise<Sheet> {
  const { values, ...size } = await imagesOf(data, rows);
  const options = { ...size, columns: COLUMNS, range: rangeOf(values), factor: 1, gap: 0 };
  const url = pngUrl(await imageGrid(values, options));
  return { url, columns: COLUMNS, width: size.width, height: size.height };
}

/** The image of each of these rows. @returns URLs of PNGs by row. */
export async function picturesOf(
  data: Dataset | StreamedDataset,
  rows: readonly number[],
): Promise<Map<number, string>> {
  const own = [...new Set(rows)];
  const { values, ...size } = await imagesOf(data, own);
  const range = rangeOf(values);
  const length = size.height * size.width * size.channels;
  const options = { ...size, columns: 1, range, factor: 1, gap: 0 };
  const urls = new Map<number, string>();
  for (const [i, row] of own.entries()) {
    const image = values.subarray(i * length, (i + 1) * length);
    urls.set(row, pngUrl(await imageGrid(image, options)));
  }
  return urls;
}

/** A PNG's bytes as a URL. */
export function pngUrl(bytes: Uint8Array): string {
  return `data:image/png;base64,${
    btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
  }`;
}

function factorOf(height: number, width: number): number {
  return Math.max(1, Math.ceil(Math.max(height, width) / MOST_SIDE));
}

/** Large images are made smaller by the mean of squares of pixels. */
async function imagesOf(
  { data, d, height = 1, width = d, channels = 1 }: Dataset | StreamedDataset,
  rows: ArrayLike<number>,
): Promise<Images> {
  const factor = factorOf(height, width);
  const size = { height: Math.ceil(height / factor), width: Math.ceil(width / factor), channels };
  const length = size.height * size.width * channels;
  const values = new Float32Array(rows.length * length);
  const image = new Float32Array(d);
  const area = new Float32Array(length);
  for (let i = 0; i < rows.length; i++) {
    if (data instanceof Float32Array) image.set(data.subarray(rows[i] * d, (rows[i] + 1) * d));
    else await data.read(rows[i], image);
    const small = values.subarray(i * length, (i + 1) * length);
    area.fill(0);
    image.forEach((value, at) => {
      const [y, x] = [Math.floor(at / channels / width), Math.floor(at / channels) % width];
      const place = Math.floor(y / factor) * size.width + Math.floor(x / factor);
      small[place * channels + at % channels] += value;
      area[place * channels + at % channels]++;
    });
    for (let at = 0; at < length; at++) small[at] /= area[at];
  }
  return { values, ...size };
}
