/** The decoded centroids as a strip of grey images. */

/** Pixels that the longer side of an image is scaled to reach. */
const LEAST_SIDE = 64;
const GAP = 4;

/**
 * A PNG of K images side by side, enlarged by a whole factor.
 * @param prototypes [K, height·width] row-major.
 * @param range Black and white; values beyond are clipped.
 */
export async function centroidStrip(
  prototypes: Float32Array,
  height: number,
  width: number,
  [black, white]: readonly [number, number],
): Promise<Uint8Array> {
  const count = prototypes.length / (height * width);
  const factor = Math.max(1, Math.ceil(LEAST_SIDE / Math.max(height, width)));
  const tile = width * factor + GAP;
  const total = count * tile - GAP;
  const pixels = new Uint8Array(height * factor * total).fill(255);
  const scale = white > black ? 255 / (white - black) : 0;
  for (let k = 0; k < count; k++) {
    for (let y = 0; y < height * factor; y++) {
      for (let x = 0; x < width * factor; x++) {
        const source = (k * height + Math.floor(y / factor)) * width + Math.floor(x / factor);
        const grey = (prototypes[source] - black) * scale;
        pixels[y * total + k * tile + x] = Math.max(0, Math.min(255, Math.round(grey)));
      }
    }
  }
  const { encode } = await import("fast-png");
  return encode({ width: total, height: height * factor, data: pixels, channels: 1, depth: 8 });
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
