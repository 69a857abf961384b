/**
 * A training or a trained model as one safetensors file: the variables as tensors, the host's part and
 * the manifest as text in the metadata. One file, so that no crash can separate them.
 */
import { type RowsInfo, sha256 } from "../datasets/dataset.ts";
import type { Snapshot } from "../engine/state/state.ts";
import type { Checkpoint, Json } from "../models/estimator.ts";
import { parseJson } from "./fields.ts";
import { type DataRecord, HOST, MANIFEST, type Manifest, SCHEMA } from "./manifest.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";
import { VERSION } from "./version.ts";

/** The content of a file. */
export interface StoredCheckpoint {
  /** Variables and the host's part. */
  readonly checkpoint: Checkpoint;
  /** What they belong to. */
  readonly manifest: Manifest;
  /** SHA-256 of the content, in hexadecimal. */
  readonly digest: string;
}

/** What of a data set goes into a manifest. */
export function recordOf(rows: RowsInfo): DataRecord {
  const { name, digest, n, d, scaling, schema, source } = rows;
  const image = imageOf(rows);
  return { name, digest, n, d, ...image, scaling, schema, source };
}

/** What of rows says that they are images. */
function imageOf({ height, width, channels }: RowsInfo): Partial<DataRecord> {
  if (height === undefined || width === undefined) return {};
  return { height, width, ...channels !== undefined && { channels } };
}

/**
 * The bytes of a file. They depend on the content alone.
 * @throws {RangeError} naming a variable that is not finite: nothing could go on from it.
 */
export async function encodeCheckpoint(
  { checkpoint, manifest }: Omit<StoredCheckpoint, "digest">,
): Promise<Uint8Array> {
  const { variables } = checkpoint;
  for (const [name, { data }] of variables) {
    const place = firstNotFinite(data);
    if (place < 0) continue;
    throw new RangeError(
      `Cannot write a checkpoint: element ${place} of the variable ${name} is ${
        data[place]
      }; lower ` +
        `the learning rate or check the data: columns of different range want --scale standard`,
    );
  }
  const texts = {
    schema: String(SCHEMA),
    program: `dynae ${VERSION}`,
    manifest: JSON.stringify(manifest),
    host: JSON.stringify(checkpoint.host),
  };
  const digest = await digestOf(variables, texts);
  return encodeSafetensors(variables, { ...texts, digest });
}

/**
 * Reads the bytes of a file, and checks that they are those that were written.
 * @param file Its name, for messages.
 * @throws {SyntaxError} for a damaged file, or one of another schema.
 */
export async function decodeCheckpoint(bytes: Uint8Array, file: string): Promise<StoredCheckpoint> {
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  const { digest, ...texts } = metadata;
  const { schema, program = "another program", manifest = "", host = "" } = texts;
  if (schema !== String(SCHEMA)) {
    throw new SyntaxError(
      `Cannot read ${file}: it has schema ${schema ?? "none"}, written by ${program}; ` +
        `dynae ${VERSION} reads schema ${SCHEMA}`,
    );
  }
  if (digest === undefined || digest !== await digestOf(tensors, texts)) {
    throw new SyntaxError(
      `Cannot read ${file}: it is damaged: its content does not have the SHA-256 that it names`,
    );
  }
  const variables = new Map([...tensors].map(([name, tensor]) => [name, snapshotOf(tensor, file)]));
  for (const [name, { data }] of variables) {
    const place = firstNotFinite(data);
    if (place < 0) continue;
    throw new SyntaxError(`Cannot read ${file}: element ${place} of ${name} is ${data[place]}`);
  }
  return {
    checkpoint: {
      variables,
      host: parseJson<Record<string, Json>>(host, file, HOST, "its host part"),
    },
    manifest: parseJson<Manifest>(manifest, file, MANIFEST, "its manifest"),
    digest,
  };
}

/** Index of the first value that is not finite; −1 where there is none. */
function firstNotFinite(data: StoredTensor["data"]): number {
  if (data instanceof Uint32Array) return -1;
  // A loop: that of findIndex takes several times as long.
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

/** SHA-256 of a line for each text and each tensor, in the order of their names. */
async function digestOf(
  tensors: ReadonlyMap<string, StoredTensor>,
  texts: Readonly<Record<string, string>>,
): Promise<string> {
  const names = Object.keys(texts).sort();
  const lines = names.map((name) => JSON.stringify([name, texts[name]]));
  for (const name of [...tensors.keys()].sort()) {
    const { shape, data } = tensors.get(name)!;
    const kind = data.constructor.name;
    lines.push(JSON.stringify([name, kind, shape, await sha256(data)]));
  }
  return await sha256(new TextEncoder().encode(lines.join("\n")));
}

function snapshotOf({ shape, data }: StoredTensor, file: string): Snapshot {
  if (!(data instanceof Float64Array)) return { shape, data };
  throw new SyntaxError(`Cannot read ${file}: it holds float64 tensors, which variables are not`);
}
