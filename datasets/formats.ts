/** What is read: the one place that lists it, for help and messages. */

/** Formats of rows. */
export const ROW_FORMATS = "IDX, NPY, NPZ, Parquet, CSV, or a folder of images";

/** Formats of classes. */
export const CLASS_FORMATS = "IDX, NPY, NPZ, Parquet, CSV or one a line";

/** Formats whose rows can be read one by one. */
export const STREAM_FORMATS = "IDX and NPY";

/** Formats that people try, by how they begin. */
const UNSUPPORTED: readonly [format: string, magic: readonly number[]][] = [
  ["HDF5", [0x89, 0x48, 0x44, 0x46]],
  ["a bzip2 archive", [0x42, 0x5a, 0x68]],
  ["an xz archive", [0xfd, 0x37, 0x7a, 0x58]],
  ["a Zstandard archive", [0x28, 0xb5, 0x2f, 0xfd]],
  ["a Python pickle", [0x80, 0x04, 0x95]],
  ["Arrow IPC (Feather)", [0x41, 0x52, 0x52, 0x4f, 0x57]],
  ["PDF", [0x25, 0x50, 0x44, 0x46]],
];

/** Images, which are read by the folder. */
const IMAGES: readonly (readonly number[])[] = [
  [0x89, 0x50, 0x4e, 0x47],
  [0xff, 0xd8, 0xff],
  [0x52, 0x49, 0x46, 0x46],
];

/** What is wrong with the format of a file's bytes; undefined where nothing is known to be. */
export function unsupported(bytes: Uint8Array): string | undefined {
  const begins = (magic: readonly number[]) => magic.every((byte, i) => bytes[i] === byte);
  if (IMAGES.some(begins)) return "it is an image; name the folder of the images as the data";
  const format = UNSUPPORTED.find(([, magic]) => begins(magic))?.[0];
  return format && `${format} is not supported; expected ${ROW_FORMATS}`;
}
