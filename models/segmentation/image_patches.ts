/** Patches of an image as rows, and images that rows of patches agree on. */

/** An image in memory. */
export interface Image {
  /** [height, width, channels] row-major, all finite. */
  readonly data: Float32Array;
  /** Rows of pixels. */
  readonly height: number;
  /** Columns of pixels. */
  readonly width: number;
  /** 1 for grey, 3 for colour. */
  readonly channels: number;
}

/** Where square patches of one image lie; the last of a row or column ends where the image does. */
export class PatchGrid {
  private readonly tops: readonly number[];
  private readonly lefts: readonly number[];

  /**
   * @param image Its height and width. @param size Rows and columns of pixels of a patch.
   * @param stride Pixels from one patch to the next, at most `size`: every pixel is in a patch.
   * @throws {RangeError} where a patch does not fit the image, or patches would leave gaps.
   */
  constructor(
    private readonly image: Pick<Image, "height" | "width">,
    readonly size: number,
    stride: number,
  ) {
    const { height, width } = image;
    if (size > Math.min(height, width)) {
      throw new RangeError(
        `patches: the patch size must be at most the image's sides, ${height}×${width}; got ${size}`,
      );
    }
    if (stride > size) {
      throw new RangeError(
        `patches: the stride must be at most the patch size, ${size}, or pixels would be left ` +
          `out; got ${stride}`,
      );
    }
    this.tops = starts(height, size, stride);
    this.lefts = starts(width, size, stride);
  }

  /** Number of patches, counted along rows of the image. */
  get count(): number {
    return this.tops.length * this.lefts.length;
  }

  /** The patches as rows: [count, size·size·channels]. */
  extract(image: Image): Float32Array {
    const length = this.size ** 2 * image.channels;
    const patches = new Float32Array(this.count * length);
    this.forEach((top, left, patch) => {
      patches.set(crop(image, top, left, this.size), patch * length);
    });
    return patches;
  }

  /**
   * The image in which every pixel is the mean of what the patches that hold it say of it.
   * @param value Of a pixel (its number within the patch) in a patch.
   * @returns [height, width, channels]
   */
  overlapAverage(
    channels: number,
    value: (patch: number, pixel: number, channel: number) => number,
  ): Float32Array {
    const { size, image: { height, width } } = this;
    const sums = new Float64Array(height * width * channels);
    const counts = new Uint32Array(height * width);
    this.forEach((top, left, patch) => {
      for (let pixel = 0; pixel < size * size; pixel++) {
        const place = (top + Math.floor(pixel / size)) * width + left + pixel % size;
        counts[place]++;
        for (let a = 0; a < channels; a++) sums[place * channels + a] += value(patch, pixel, a);
      }
    });
    return Float32Array.from(sums, (sum, i) => sum / counts[Math.floor(i / channels)]);
  }

  private forEach(visit: (top: number, left: number, patch: number) => void): void {
    let patch = 0;
    for (const top of this.tops) {
      for (const left of this.lefts) visit(top, left, patch++);
    }
  }
}

/** The patch whose upper left pixel is given: [size·size·channels]. */
export function crop(
  { data, width, channels }: Image,
  top: number,
  left: number,
  size: number,
): Float32Array {
  const row = size * channels;
  const patch = new Float32Array(size * row);
  for (let y = 0; y < size; y++) {
    const from = ((top + y) * width + left) * channels;
    patch.set(data.subarray(from, from + row), y * row);
  }
  return patch;
}

/** Where patches begin along an axis of `length` pixels. */
function starts(length: number, size: number, stride: number): number[] {
  const last = length - size;
  const regular = Array.from({ length: Math.floor(last / stride) + 1 }, (_, i) => i * stride);
  return last % stride === 0 ? regular : [...regular, last];
}

/** What the rows of a table were multiplied by and moved by, to undo it. */
export interface RowScale {
  /** [n] */
  readonly means: Float64Array;
  /** [n], above 0. */
  readonly deviations: Float64Array;
}

/**
 * Moves every row to mean 0 and divides it by its standard deviation, in place.
 * @param rows [n, width]. @param least Taken for smaller deviations, so that flat rows stay flat.
 */
export function standardizeRows(rows: Float32Array, width: number, least: number): RowScale {
  const n = rows.length / width;
  const means = new Float64Array(n);
  const deviations = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const row = rows.subarray(i * width, (i + 1) * width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    means[i] = mean;
    deviations[i] = Math.max(Math.sqrt(variance), least);
    for (let j = 0; j < width; j++) row[j] = (row[j] - mean) / deviations[i];
  }
  return { means, deviations };
}

/** An image's mean and standard deviation by channel, [channels] each; 1 for a deviation of 0. */
export function channelStatistics({ data, channels }: Image): RowScale {
  const pixels = data.length / channels;
  const means = new Float64Array(channels);
  const deviations = new Float64Array(channels);
  for (let i = 0; i < data.length; i++) means[i % channels] += data[i] / pixels;
  for (let i = 0; i < data.length; i++) {
    deviations[i % channels] += (data[i] - means[i % channels]) ** 2 / pixels;
  }
  return { means, deviations: deviations.map((variance) => Math.sqrt(variance) || 1) };
}
