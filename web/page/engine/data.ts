/** Files that were chosen or dropped, as a data set. */
import { type Dataset, makeDataset } from "../../../datasets/dataset.ts";
import { type Content, decodeRows } from "../../../datasets/decode.ts";
import { readImages } from "../../../datasets/image_rows.ts";
import { assembleNamedSet, findNamedSet } from "../../../datasets/named.ts";
import type { DataInfo, Picture, Source } from "../messages.ts";

/**
 * Reads the rows.
 * @throws what readers throw: damaged files, cells that are no numbers, images of different sizes.
 */
export async function load(source: Source): Promise<Dataset> {
  if (source.kind === "optdigits") return await loadDigits();
  const { files, classColumn, scale, size } = source;
  const name = files.length === 1 ? files[0].path : `${files.length} images`;
  const content = await read(files, {
    ...classColumn !== undefined && { classColumn },
    ...size && { size },
  });
  const { array, classes, ids, kinds, notes } = content;
  return await makeDataset(array, {
    name,
    ...classes && { classes },
    ...ids && { ids },
    ...kinds && { kinds },
    ...notes && { notes },
    ...scale !== undefined && { scale },
  });
}

type Files = Extract<Source, { kind: "files" }>;

async function read(
  files: Files["files"],
  { size, ...table }: Pick<Files, "classColumn" | "size">,
): Promise<Content> {
  const [{ path, file }] = files;
  if (files.length === 1 && !file.type.startsWith("image/")) {
    return await decodeRows(await bytesOf(file), path, table);
  }
  const byPath = new Map(files.map(({ path, file }) => [path, file]));
  const read = (path: string) => bytesOf(byPath.get(path)!);
  return await readImages("the files", [...byPath.keys()], read, size ? { size } : {});
}

async function bytesOf(file: Blob): Promise<Uint8Array> {
  return new Uint8Array(await file.arrayBuffer());
}

/** The set that is served beside the page. */
async function loadDigits(): Promise<Dataset> {
  return await assembleNamedSet(findNamedSet("optdigits")!, async ({ name }) => {
    const where = new URL(`./optdigits/${name}.gz`, import.meta.url).href;
    const response = await fetch(where);
    if (!response.ok) throw new Error(`Cannot read ${where}: HTTP status ${response.status}`);
    return { bytes: new Uint8Array(await response.arrayBuffer()), where };
  });
}

/** What the page shows of it. */
export function infoOf(dataset: Dataset): DataInfo {
  const { name, n, d, classes, classNames, notes } = dataset;
  const picture = pictureOf(dataset);
  return {
    name,
    n,
    d,
    ...picture && { picture },
    ...classes && { classes, classCount: classCountOf(classes) },
    ...classNames && { classNames },
    notes,
  };
}

/** How many classes occur at least. */
export function classCountOf(classes: Uint32Array): number {
  return 1 + classes.reduce((most, one) => Math.max(most, one), 0);
}

/** How the rows are drawn; undefined for rows that are no images. */
export function pictureOf({ height, width, channels = 1, data }: Dataset): Picture | undefined {
  if (height === undefined || width === undefined) return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { height, width, channels, range: [low, high] };
}
