/** Images as grey pictures: the decoded centroids in a strip, what a model draws in a grid. */

/** Pixels that the longer side of an image is scaled to reach. */
const LEAST_SIDE = 64;
const GAP = 4;

/** How images become a picture. */
export interface GridOptions {
  /** Of an image, in pixels. */
  readonly height: number;
  /** Of an image, in pixels. */
  readonly width: number;
  /** Images of a row. */
  readonly columns: number;
  /** Black and white; values beyond are clipped. */
  readonly range: readonly [black: number, white: number];
}

/** A PNG of K images side by side: prototypes [K, height·width] row-major; see `imageGrid`. */
export async function centroidStrip(
  prototypes: Float32Array,
  height: number,
  width: number,
  range: GridOptions["range"],
): Promise<Uint8Array> {
  const columns = prototypes.length / (height * width);
  return await imageGrid(prototypes, { height, width, columns, range });
}

/**
 * A PNG of images row by row, enlarged by a whole factor.
 * @param images [rows·columns, height·width] row-major.
 */
export async function imageGrid(
  images: Float32Array,
  { height, width, columns, range: [black, white] }: GridOptions,
): Promise<Uint8Array> {
  const count = images.length / (height * width);
  const factor = Math.max(1, Math.ceil(LEAST_SIDE / Math.max(height, width)));
  const [tileHeight, tileWidth] = [height * factor + GAP, width * factor + GAP];
  const totalWidth = columns * tileWidth - GAP;
  const totalHeight = Math.ceil(count / columns) * tileHeight - GAP;
  const pixels = new Uint8Array(totalHeight * totalWidth).fill(255);
  const scale = white > black ? 255 / (white - black) : 0;
  for (let k = 0; k < count; k++) {
    const corner = Math.floor(k / columns) * tileHeight * totalWidth + (k % columns) * tileWidth;
    for (let y = 0; y < height * factor; y++) {
      for (let x = 0; x < width * factor; x++) {
        const source = (k * height + Math.floor(y / factor)) * width + Math.floor(x / factor);
        const grey = (images[source] - black) * scale;
        pixels[corner + y * totalWidth + x] = Math.max(0, Math.min(255, Math.round(grey)));
      }
    }
  }
  const { encode } = await import("fast-png");
  return encode({ width: totalWidth, height: totalHeight, data: pixels, channels: 1, depth: 8 });
}

/** The smallest and the largest value: black and white of the data's own images. */
export function rangeOf(data: Float32Array): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
