/** The rows of a finished run, as its labels.csv and embedding.npy hold them. */
import { parseTable } from "../datasets/csv.ts";
import { decodeNpy } from "../datasets/npy.ts";
import { EXIT, Failure } from "./errors.ts";
import type { RunFolder } from "./run_folder.ts";
import type { RunRecord } from "./run_record.ts";

/** Rows in the order of the codes. */
export interface RunRows {
  /** [n] what they are called: their ids, or else their numbers in the source. */
  readonly names: readonly string[];
  /** [n], in [0, K). */
  readonly labels: Uint32Array;
  /** [n] the names of their classes, where known. */
  readonly classes?: readonly string[];
  /** What {@linkcode values} are; absent where the run says nothing of it. */
  readonly certainty?: "confidence" | "margin";
  /** [n] how sure the labels are. */
  readonly values?: Float64Array;
  /** [n, p] row-major. */
  readonly codes: ArrayLike<number>;
  /** p */
  readonly codeSize: number;
}

/** @throws {Failure} where the files are not of the run. @throws what reading them throws. */
export async function readRunRows(
  folder: RunFolder,
  { data: { n }, results }: RunRecord,
): Promise<RunRows> {
  const file = folder.file("labels.csv");
  const bytes = await Deno.readFile(file);
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
  const codes = decodeNpy(await Deno.readFile(codesFile), codesFile);
  const [count, width] = array.shape;
  const at = (line: number, name: string) => array.values[line * width + order.indexOf(name)];
  const order = names.filter((name) => ["row", "label", certainty].includes(name));
  const lines = Array.from({ length: count }, (_, i) => i)
    .sort((a, b) => at(a, "row") - at(b, "row"));
  const labels = Uint32Array.from(lines, (line) => at(line, "label"));
  const clusters = results!.clusterSizes.length;
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
