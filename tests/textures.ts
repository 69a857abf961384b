/** Images of a few textures, whose true classes are known. */
import { RandomStream } from "../engine/random.ts";
import type { Image } from "../models/segmentation/image_patches.ts";

/** An image and the class of each of its pixels, [height·width]. */
export interface TexturedImage {
  readonly image: Image;
  readonly truth: Uint32Array;
}

/** Shades that differ by texture: flat dark, flat bright, and stripes of both ways between. */
const TEXTURES: readonly ((x: number, y: number) => number)[] = [
  () => 0.15,
  (_x, y) => 0.5 + (y % 2 < 1 ? 0.3 : -0.3),
  () => 0.85,
  (x) => 0.5 + (x % 2 < 1 ? 0.3 : -0.3),
];

/**
 * `classes` textures (2 to 4) in quarters of the image, of unequal size, with noise.
 * @param channels 1, or 3 with the last one inverted.
 */
export function texturedImage(
  classes: number,
  side = 64,
  channels = 1,
  noise = 0.1,
): TexturedImage {
  const random = new RandomStream(5, 1);
  const truth = new Uint32Array(side * side);
  const data = new Float32Array(side * side * channels);
  for (let i = 0; i < side * side; i++) {
    const [x, y] = [i % side, Math.floor(i / side)];
    const quarter = (x < side * 0.55 ? 0 : 1) + (y < side * 0.45 ? 0 : 2);
    truth[i] = quarter % classes;
    for (let a = 0; a < channels; a++) {
      const value = TEXTURES[truth[i]](x, y) + random.uniform(-noise, noise);
      data[i * channels + a] = Math.max(0, Math.min(1, a === 2 ? 1 - value : value));
    }
  }
  return { image: { data, height: side, width: side, channels }, truth };
}
