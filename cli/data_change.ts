/** Whether data are as they were when a run or a plan was made: the rows, and the classes that score it. */
import { type RowsInfo, sha256 } from "../datasets/dataset.ts";

/** What is recorded of data to know them again. */
export interface DataDigests {
  /** Of the rows. */
  readonly digest: string;
  /** See {@linkcode classDigestOf}; absent where there are none, and in records of before. */
  readonly classDigest?: string;
}

/** SHA-256 of the class of every row and the names of the classes; undefined without classes. */
export async function classDigestOf(
  { classes, classNames }: Pick<RowsInfo, "classes" | "classNames">,
): Promise<string | undefined> {
  if (classes === undefined) return undefined;
  const text = `${await sha256(classes)} ${JSON.stringify(classNames ?? [])}`;
  return await sha256(new TextEncoder().encode(text));
}

/** What has changed since the digests were recorded, for people; undefined where nothing has. */
export async function changeOf(
  dataset: RowsInfo,
  { digest, classDigest }: DataDigests,
): Promise<string | undefined> {
  const short = (hash?: string) => hash === undefined ? "absent" : `${hash.slice(0, 12)}…`;
  if (dataset.digest !== digest) {
    return `the digest of the rows is ${short(dataset.digest)}, it was ${short(digest)}`;
  }
  const now = await classDigestOf(dataset);
  if (classDigest === undefined || now === classDigest) return undefined;
  return `the digest of the classes is ${short(now)}, it was ${short(classDigest)}`;
}
