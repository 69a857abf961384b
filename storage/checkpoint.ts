/**
 * A training or a trained model as one safetensors file: the variables as tensors, the host's part and
 * the manifest as text in the metadata. One file, so that no crash can separate them.
 */
import type { RowsInfo } from "../datasets/dataset.ts";
import type { Snapshot } from "../engine/state/state.ts";
import type { Checkpoint, Json } from "../models/estimator.ts";
import type { OptionValues } from "../models/options.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";
import { VERSION } from "./version.ts";

/** Version of the layout of {@linkcode Manifest}; raised when older programs cannot read it. */
export const SCHEMA = 3;

/** What is trained: enough to make the estimator again. */
export interface Configuration {
  /** Name in the registry. */
  readonly model: string;
  /** Name of the profile that the options were made by, where it is known. */
  readonly profile?: string;
  /** All options, resolved. */
  readonly options: OptionValues;
}

/** What is known about the rows of a training, but for the rows and their classes. */
export type DataRecord = Pick<
  RowsInfo,
  "name" | "digest" | "n" | "d" | "height" | "width" | "channels" | "scaling" | "schema" | "source"
>;

/** What a checkpoint says about itself. */
export interface Manifest {
  /** What is trained. */
  readonly configuration: Configuration;
  /** On what, where it is known. */
  readonly data?: DataRecord;
}

/** The content of a file. */
export interface StoredCheckpoint {
  /** Variables and the host's part. */
  readonly checkpoint: Checkpoint;
  /** What they belong to. */
  readonly manifest: Manifest;
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

/** The bytes of a file. They depend on the content alone. */
export function encodeCheckpoint({ checkpoint, manifest }: StoredCheckpoint): Uint8Array {
  return encodeSafetensors(checkpoint.variables, {
    schema: String(SCHEMA),
    program: `dynae ${VERSION}`,
    manifest: JSON.stringify(manifest),
    host: JSON.stringify(checkpoint.host),
  });
}

/**
 * Reads the bytes of a file.
 * @param file Its name, for messages.
 * @throws {SyntaxError} for a damaged file, or one of another schema.
 */
export function decodeCheckpoint(bytes: Uint8Array, file: string): StoredCheckpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, file);
  if (metadata.schema !== String(SCHEMA)) {
    throw new SyntaxError(
      `Cannot read ${file}: it has schema ${metadata.schema ?? "none"}, written by ` +
        `${metadata.program ?? "another program"}; dynae ${VERSION} reads schema ${SCHEMA}`,
    );
  }
  const host = parse(metadata.host, file) as Record<string, Json>;
  const manifest = parse(metadata.manifest, file) as Manifest;
  const variables = new Map([...tensors].map(([name, tensor]) => [name, snapshotOf(tensor, file)]));
  return { checkpoint: { variables, host }, manifest };
}

function snapshotOf({ shape, data }: StoredTensor, file: string): Snapshot {
  if (!(data instanceof Float64Array)) return { shape, data };
  throw new SyntaxError(`Cannot read ${file}: it holds float64 tensors, which variables are not`);
}

function parse(text: string | undefined, file: string): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw new SyntaxError(`Cannot read ${file}: its manifest is not JSON`);
  }
}
