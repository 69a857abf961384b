/** The rows of a finished run, as its labels.csv and embedding.npy hold them. */
import { parseTable } from "../datasets/csv.ts";
import { readBytes, STANDARD_INPUT } from "../datasets/read_bytes.ts";
import { decodeNpy } from "../datasets/npy.ts";
import type { RunRows } from "../report/rows.ts";
import { type AnyDataset, loadOrOpen } from "./data_options.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import type { RunFolder } from "./run_folder.ts";
import type { RunRecord } from "./run_record.ts";
import { shellWord, writeError } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/**
 * @throws {Failure} where the run is not finished, or the files are not of it. @throws what reading them
 * throws.
 */
export async function readRunRows(
  folder: RunFolder,
  { data: { n }, results }: RunRecord,
): Promise<RunRows> {
  if (results === undefined) {
    throw usageError(
      `${folder.path} is not finished; finish it by ${PROGRAM} train --resume ${
        shellWord(folder.path)
      }`,
    );
  }
  const file = folder.file("labels.csv");
  const bytes = await readBytes(file);
  const [head] = new TextDecoder().decode(bytes.subarray(0, 200)).split(/\r?\n/);
  const names = head.split(",");
  const certainty = (["confidence", "margin"] as const).find((name) => names.includes(name));
  const { array, ids, classes } = parseTable(bytes, file, {
    header: true,
    separator: ",",
    columns: ["row", "label", ...certainty === undefined ? [] : [certainty]],
    ...names.includes("id") && { idColumn: "id" },
    ...names.includes("class") && { classColumn: "class" },
  });
  const codesFile = folder.file("embedding.npy");
  const codes = decodeNpy(await readBytes(codesFile), codesFile);
  const [count, width] = array.shape;
  const at = (line: number, name: string) => array.values[line * width + order.indexOf(name)];
  const order = names.filter((name) => ["row", "label", certainty].includes(name));
  const lines = Array.from({ length: count }, (_, i) => i)
    .sort((a, b) => at(a, "row") - at(b, "row"));
  const labels = Uint32Array.from(lines, (line) => at(line, "label"));
  const clusters = results.clusterSizes.length;
  const isRun = count === n && codes.shape[0] === n && labels.every((label) => label < clusters);
  if (!isRun) {
    throw new Failure(
      `${folder.path}: labels.csv has ${count} rows, embedding.npy ${
        codes.shape[0]
      }; the run had ` +
        `${n}, with labels below ${clusters}`,
      EXIT.failed,
    );
  }
  return {
    names: lines.map((line) => ids?.[line] ?? String(at(line, "row"))),
    labels,
    ...classes && { classes: lines.map((line) => classes[line]) },
    ...certainty && {
      certainty,
      values: Float64Array.from(lines, (line) => at(line, certainty)),
    },
    codes: codes.values,
    codeSize: codes.shape[1],
  };
}

/**
 * The data of a run, or undefined with a note where they are not there as they were: of standard input,
 * changed, or not to be read any more.
 * @param what Is left out without them, for people: several things.
 */
export async function loadAgain(
  { data: { request, digest } }: RunRecord,
  what: string,
): Promise<AnyDataset | undefined> {
  const note = (why: string) => writeError(`note: ${why}; the ${what} are left out\n`);
  if (request.data === STANDARD_INPUT) {
    return void note("the rows came from standard input, and are not kept");
  }
  try {
    const data = await loadOrOpen(request);
    if (data.digest === digest) return data;
    if (!(data.data instanceof Float32Array)) data.data.close();
    note(`${request.data} has changed since the run`);
  } catch (error) {
    note((error as Error).message);
  }
}
