/** Brings a named set's files into a folder, verified, from wherever they can be had. */
import { writeFileAtomic } from "../storage/atomic_file.ts";
import { gzip } from "./gzip.ts";
import { cacheDir, readNamedFileIn } from "./load.ts";
import {
  findNamedSet,
  NAMED_SETS,
  type NamedFile,
  type NamedSet,
  verifyNamedFile,
} from "./named.ts";
import { type Source, sourcesOf } from "./sources.ts";

/** How far a download is. */
export interface FetchProgress {
  /** Name of the file, without `.gz`. */
  readonly file: string;
  /** The source that sends it. */
  readonly source: string;
  /** Bytes received. */
  readonly received: number;
  /** Bytes to come altogether, where the server says. */
  readonly total: number | undefined;
}

/** How to fetch. */
export interface FetchOptions {
  /** The data folder: files go to `DIR/NAME/`. Absent: {@linkcode cacheDir}. */
  readonly dir?: string;
  /** Called as bytes arrive. */
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Stops the download; files that are complete stay. */
  readonly signal?: AbortSignal;
  /** Tried in order for each file, instead of {@linkcode sourcesOf}. */
  readonly sources?: readonly Source[];
}

/** One file of a fetched set. */
export interface FetchedFile {
  /** Where it lies now. */
  readonly path: string;
  /** Where it came from; undefined for one that was there and intact. */
  readonly source: string | undefined;
}

/** A set that is complete in its folder. */
export interface FetchedSet {
  /** The folder of its files. */
  readonly folder: string;
  /** Its files; none for a set that ships with the package. */
  readonly files: readonly FetchedFile[];
}

/**
 * Fetches the files of a named set that are not in the folder yet, or not intact. Each is verified
 * by SHA-256 before it is written, gzipped and atomically; a source that fails, stalls or serves
 * other bytes is passed over. A set that ships with the package needs nothing and gives no files.
 * @throws {RangeError} for a name that is not in {@linkcode NAMED_SETS}.
 * @throws {TypeError} where there is no folder to write to.
 * @throws {AggregateError} if no source gives a file, with each source's reason in the message.
 * @throws the signal's reason once aborted.
 */
export async function fetchDataset(
  name: string,
  options: FetchOptions = {},
): Promise<FetchedSet> {
  const set = findNamedSet(name);
  if (set === undefined) {
    const names = NAMED_SETS.map((set) => set.name).join(", ");
    throw new RangeError(`There is no data set ${JSON.stringify(name)}, expected one of ${names}`);
  }
  if (set.ships) return { folder: new URL(`./${set.folder}`, import.meta.url).href, files: [] };
  return await fetchSet(set, options);
}

/** {@linkcode fetchDataset} for a set that is described by the caller. */
export async function fetchSet(set: NamedSet, options: FetchOptions = {}): Promise<FetchedSet> {
  const dir = options.dir ?? cacheDir();
  if (dir === undefined) {
    throw new TypeError(
      `Cannot fetch ${set.name}: there is no folder to write to; give one with --data-dir, ` +
        "or permit reading HOME",
    );
  }
  const folder = `${dir}/${set.folder}`;
  const sources = options.sources ?? sourcesOf(set);
  await Deno.mkdir(folder, { recursive: true });
  const files: FetchedFile[] = [];
  for (const file of set.parts.flatMap((part) => [part.images, part.classes])) {
    const present = await intactFile(folder, file, options.signal);
    if (present !== undefined) {
      files.push({ path: present, source: undefined });
      continue;
    }
    const { content, where } = await obtain(set.name, file, sources, options);
    const path = `${folder}/${file.name}.gz`;
    await writeFileAtomic(path, await gzip(content));
    files.push({ path, source: where });
  }
  return { folder, files };
}

/** The path of a file that is there and verified, else undefined. */
async function intactFile(
  folder: string,
  file: NamedFile,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const found = await readNamedFileIn(folder, file, signal);
  if (found === undefined) return undefined;
  try {
    await verifyNamedFile(file, found.bytes, found.where);
    return found.where;
  } catch {
    return undefined;
  }
}

async function obtain(
  name: string,
  file: NamedFile,
  sources: readonly Source[],
  { signal, onProgress }: FetchOptions,
): Promise<{ content: Uint8Array; where: string }> {
  const reasons: Error[] = [];
  for (const source of sources) {
    signal?.throwIfAborted();
    try {
      const { bytes, where } = await source.read(file, {
        ...(signal === undefined ? {} : { signal }),
        onBytes: (received, total) =>
          onProgress?.({ file: file.name, source: source.name, received, total }),
      });
      return { content: await verifyNamedFile(file, bytes, where), where };
    } catch (error) {
      signal?.throwIfAborted();
      // No other source will be permitted either.
      if (error instanceof Deno.errors.NotCapable) throw error;
      reasons.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  const list = reasons.map((reason, i) => `\n  ${sources[i].name}: ${reason.message}`).join("");
  throw new AggregateError(
    reasons,
    `Cannot fetch ${file.name} of ${name}; ${sources.length} sources were tried:${list}`,
  );
}
