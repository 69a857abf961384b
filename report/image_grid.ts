/** Images as pictures, grey or in colour: the decoded centroids in a strip, what a model draws in a grid. */

/** Pixels that the longer side of an image is scaled to reach. */
const LEAST_SIDE = 64;
const GAP = 4;

/** How images become a picture. */
export interface GridOptions {
  /** Of an image, in pixels. */
  readonly height: number;
  /** Of an image, in pixels. */
  readonly width: number;
  /** Values of a pixel, 1 (where absent) or 3. */
  readonly channels?: number;
  /** Images of a row. */
  readonly columns: number;
  /** Black and white, in colour of each channel; values beyond are clipped. */
  readonly range: readonly [black: number, white: number];
  /** Pixels of the picture for each of an image; absent: so many that its longer side has 64. */
  readonly factor?: number;
  /** White pixels between images; absent: 4. */
  readonly gap?: number;
}

/** A PNG of K images [K, height·width·channels] row-major, side by side; see `imageGrid`. */
export async function centroidStrip(
  prototypes: Float32Array,
  options: Omit<GridOptions, "columns">,
): Promise<Uint8Array> {
  const columns = countOf(prototypes, options);
  return await imageGrid(prototypes, { ...options, columns });
}

/** How many images the values make. */
export function countOf(
  images: Float32Array,
  { height, width, channels = 1 }: Pick<GridOptions, "height" | "width" | "channels">,
): number {
  return images.length / (height * width * channels);
}

/**
 * A PNG of images row by row, enlarged by a whole factor.
 * @param images [rows·columns, height·width·channels] row-major.
 */
export async function imageGrid(
  images: Float32Array,
  options: GridOptions,
): Promise<Uint8Array> {
  const { height, width, channels = 1, columns, range: [black, white] } = options;
  const count = countOf(images, options);
  const factor = options.factor ?? Math.max(1, Math.ceil(LEAST_SIDE / Math.max(height, width)));
  const gap = options.gap ?? GAP;
  const [tileHeight, tileWidth] = [height * factor + gap, width * factor + gap];
  const totalWidth = columns * tileWidth - gap;
  const totalHeight = Math.ceil(count / columns) * tileHeight - gap;
  const pixels = new Uint8Array(totalHeight * totalWidth * channels).fill(255);
  const scale = white > black ? 255 / (white - black) : 0;
  for (let k = 0; k < count; k++) {
    const corner = Math.floor(k / columns) * tileHeight * totalWidth + (k % columns) * tileWidth;
    for (let y = 0; y < height * factor; y++) {
      for (let x = 0; x < width * factor; x++) {
        const source = (k * height + Math.floor(y / factor)) * width + Math.floor(x / factor);
        const target = corner + y * totalWidth + x;
        for (let c = 0; c < channels; c++) {
          const value = Math.round((images[source * channels + c] - black) * scale);
          pixels[target * channels + c] = Math.max(0, Math.min(255, value));
        }
      }
    }
  }
  const { encode } = await import("fast-png");
  return encode({ width: totalWidth, height: totalHeight, data: pixels, channels, depth: 8 });
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
