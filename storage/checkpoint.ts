/**
 * A training in one safetensors file: the variables as tensors, the host's part and the manifest as
 * text in the metadata. One file, so that no crash can separate them.
 */
import { writeFileAtomic } from "../engine/atomic_file.ts";
import { decodeSafetensors, encodeSafetensors } from "../engine/safetensors.ts";
import type { Snapshot } from "../engine/state.ts";
import type { Checkpoint, Json } from "../models/estimator.ts";
import type { OptionValue } from "../models/options.ts";
import type { Scaling } from "../datasets/scaling.ts";
import { VERSION } from "./version.ts";

/** Version of the layout of {@linkcode Manifest}; raised when older programs cannot read it. */
export const SCHEMA = 2;

/** What is trained: enough to make the estimator again. */
export interface Configuration {
  /** Name in the registry. */
  readonly model: string;
  /** Name of its profile. */
  readonly profile: string;
  /** All options, resolved. */
  readonly options: Readonly<Record<string, OptionValue>>;
}

/** Which data it is trained on. */
export interface DataRecord {
  /** {@linkcode Dataset.name} */
  readonly name: string;
  /** {@linkcode Dataset.digest} */
  readonly digest: string;
  /** Rows. */
  readonly n: number;
  /** Columns. */
  readonly d: number;
  /** Of images. */
  readonly height?: number;
  /** Of images. */
  readonly width?: number;
  /** What was done to the raw values. */
  readonly scaling: Scaling;
  /** A file, or the authors of a named set. */
  readonly source: string;
}

/** What a checkpoint says about itself. */
export interface Manifest {
  /** What is trained. */
  readonly configuration: Configuration;
  /** On what. */
  readonly data: DataRecord;
}

/** Writes a checkpoint atomically: a killed process leaves the previous one. */
export async function writeCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  manifest: Manifest,
): Promise<void> {
  const metadata = {
    schema: String(SCHEMA),
    program: `dynae ${VERSION}`,
    manifest: JSON.stringify(manifest),
    host: JSON.stringify(checkpoint.host),
  };
  await writeFileAtomic(path, encodeSafetensors(checkpoint.variables, metadata));
}

/**
 * Reads a checkpoint.
 * @throws {Deno.errors.NotFound} where there is none.
 * @throws {SyntaxError} for a damaged file, or one of another schema.
 */
export async function readCheckpoint(
  path: string,
): Promise<{ checkpoint: Checkpoint; manifest: Manifest }> {
  const { tensors, metadata } = decodeSafetensors(await Deno.readFile(path), path);
  if (metadata.schema !== String(SCHEMA)) {
    throw new SyntaxError(
      `Cannot read ${path}: it has schema ${metadata.schema ?? "none"}, written by ` +
        `${metadata.program ?? "another program"}; dynae ${VERSION} reads schema ${SCHEMA}`,
    );
  }
  const host = parse(metadata.host, path) as Record<string, Json>;
  const manifest = parse(metadata.manifest, path) as Manifest;
  return { checkpoint: { variables: tensors as ReadonlyMap<string, Snapshot>, host }, manifest };
}

function parse(text: string | undefined, path: string): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    throw new SyntaxError(`Cannot read ${path}: its manifest is not JSON`);
  }
}
