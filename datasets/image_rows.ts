/** Images as rows: one image a row, the folders that they lie in as classes. */
import { cannotRead, MAX_ELEMENTS } from "./array.ts";
import { classesOfText } from "./classes.ts";
import type { Content } from "./decode.ts";
import { type ImageSize, inChannels, type Pixels, readPixels } from "./image_pixels.ts";

/** How the images of a folder become rows of one size. */
export interface ImageOptions {
  /** To scale all images to, whatever their proportions; absent: they are of one size. */
  readonly size?: ImageSize;
  /** Absent: in colour where some image is. */
  readonly colour?: "grey" | "rgb";
}

const IS_IMAGE = /\.(?:png|jpe?g|webp)$/i;

/**
 * Reads the images among files, in the order of their paths.
 * @param folder Where they lie, for messages. @param found Paths of files from the folder on.
 * @param read Gives the bytes of one of them.
 * @returns Bytes [n, height, width] or, in colour, [n, height, width, 3]; ids are the paths, classes the
 *   names of the folders, where images lie in folders.
 * @throws {TypeError} where there are no images, or images beside folders of images.
 * @throws {SyntaxError} for a damaged image. @throws {RangeError} for images of different sizes.
 */
export async function readImages(
  folder: string,
  found: readonly string[],
  read: (path: string) => Promise<Uint8Array>,
  { size, colour }: ImageOptions = {},
  signal?: AbortSignal,
): Promise<Content> {
  const { images, others } = listImages(folder, found);
  const all: Pixels[] = [];
  for (const path of images) {
    signal?.throwIfAborted();
    const file = `${folder}/${path}`;
    const pixels = await readPixels(await read(path), file, size);
    const { height, width } = all[0] ?? pixels;
    if (pixels.height !== height || pixels.width !== width) {
      throw new RangeError(
        cannotRead(
          file,
          `it has ${pixels.height} × ${pixels.width} pixels, ${images[0]} has ` +
            `${height} × ${width}; --size ${height}x${width} scales all to one size`,
        ),
      );
    }
    if (images.length * pixels.values.length > MAX_ELEMENTS) {
      throw new RangeError(
        cannotRead(
          folder,
          `${images.length} images of ${height} × ${width} pixels are too many values, at most ` +
            `${MAX_ELEMENTS} fit; --size makes them smaller`,
        ),
      );
    }
    all.push(pixels);
  }
  const isColour = colour === undefined
    ? all.some(({ channels }) => channels === 3)
    : colour === "rgb";
  const [{ height, width }] = all;
  const channels = isColour ? 3 : 1;
  const values = new Uint8Array(all.length * height * width * channels);
  all.forEach((image, i) => values.set(inChannels(image, channels), i * height * width * channels));
  const transparent = all.filter(({ hasAlpha }) => hasAlpha).length;
  const notes = [
    ...transparent > 0 ? [`${transparent} images have transparency, which is left out`] : [],
    ...others.length > 0
      ? [`${others.length} files are no PNG, JPEG or WebP and are left out: ${some(others)}`]
      : [],
  ];
  const shape = [all.length, height, width, ...isColour ? [3] : []];
  const inFolders = images.every((path) => path.includes("/"));
  return {
    array: { type: "|u1", shape, values, typeMax: 255 },
    ids: images,
    ...inFolders && {
      classes: classesOfText(images.map((path) => path.split("/")[0]), folder),
    },
    notes,
  };
}

/** The first few names. */
function some(names: readonly string[]): string {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? ", …" : "");
}

/** Those that are images, sorted, and the others. */
function listImages(
  folder: string,
  files: readonly string[],
): { images: string[]; others: string[] } {
  const found = files.toSorted((a, b) => a < b ? -1 : 1);
  const images = found.filter((path) => IS_IMAGE.test(path));
  if (images.length === 0) {
    throw new TypeError(
      cannotRead(folder, "it is a folder without PNG, JPEG or WebP images; name a file in it"),
    );
  }
  const loose = images.find((path) => !path.includes("/"));
  if (loose !== undefined && images.some((path) => path.includes("/"))) {
    throw new TypeError(
      cannotRead(
        folder,
        `${loose} lies beside folders of images; its images are in it, or in a folder for each class`,
      ),
    );
  }
  return { images, others: found.filter((path) => !IS_IMAGE.test(path)) };
}
