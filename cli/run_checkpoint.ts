/** The checkpoints of a run's folder, which have to be those of the run. */
import type { Manifest } from "../storage/manifest.ts";
import type { StoredCheckpoint } from "../storage/checkpoint.ts";
import { readCheckpoint } from "../storage/files.ts";
import { kebabCase } from "./method_options.ts";
import type { RunFolder } from "./run_folder.ts";
import type { RunRecord } from "./run_record.ts";

/** What a run's checkpoints say about themselves. */
export function manifestOf({ configuration, data, pretrained }: RunRecord): Manifest {
  const { request: _, classDigest: __, ...rows } = data;
  return { configuration, data: rows, ...(pretrained === undefined ? {} : { pretrained }) };
}

/**
 * The checkpoint of a run; undefined where it has none yet.
 * @throws {SyntaxError} for a damaged one, and for that of another run.
 */
export async function readOwnCheckpoint(
  folder: RunFolder,
  record: RunRecord,
): Promise<StoredCheckpoint | undefined> {
  const stored = await readIfThere(folder.checkpoint);
  if (stored) checkManifest(stored.manifest, record, folder.checkpoint);
  return stored;
}

/**
 * The pre-trained network that a run has left or started from; undefined where there is none.
 * @throws As {@linkcode readOwnCheckpoint}.
 */
export async function readPretrained(
  folder: RunFolder,
  record: RunRecord,
): Promise<StoredCheckpoint | undefined> {
  const stored = await readIfThere(folder.pretrained);
  if (stored === undefined) return undefined;
  if (record.pretrained === undefined) checkManifest(stored.manifest, record, folder.pretrained);
  else if (stored.digest !== record.pretrained) {
    throw new SyntaxError(
      `Cannot read ${folder.pretrained}: it is not the network that the run started from`,
    );
  }
  return stored;
}

async function readIfThere(path: string): Promise<StoredCheckpoint | undefined> {
  return await readCheckpoint(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
}

/** @throws {SyntaxError} naming what in the file is not as `run.json` says. */
function checkManifest(found: Manifest, record: RunRecord, file: string): void {
  const difference = differenceOf(found, manifestOf(record));
  if (difference === undefined) return;
  throw new SyntaxError(
    `Cannot read ${file}: it belongs to another run, or run.json was edited: ${difference}`,
  );
}

function differenceOf(found: Manifest, wanted: Manifest): string | undefined {
  const [a, b] = [found.configuration, wanted.configuration];
  const options = new Set([...Object.keys(a.options), ...Object.keys(b.options)]);
  const pairs: [name: string, found: unknown, wanted: unknown][] = [
    ["model", a.model, b.model],
    ["profile", a.profile, b.profile],
    ...Array.from(
      options,
      (name) =>
        [`--${kebabCase(name)}`, a.options[name], b.options[name]] as [string, unknown, unknown],
    ),
    ["digest of the data", found.data?.digest, wanted.data?.digest],
    ["scaling", found.data?.scaling, wanted.data?.scaling],
    ["record of the data", found.data, wanted.data],
    ["pre-trained network", found.pretrained, wanted.pretrained],
  ];
  const text = (value: unknown) => JSON.stringify(value) ?? "absent";
  const short = (value: unknown) =>
    text(value).length > 40 ? `${text(value).slice(0, 40)}…` : text(value);
  const different = pairs.find(([, now, then]) => text(now) !== text(then));
  if (different === undefined) return undefined;
  const [name, now, then] = different;
  return `its ${name} is ${short(now)}, in run.json ${short(then)}`;
}
