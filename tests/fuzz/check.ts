/**
 * Every reader on damaged files, `deno task fuzz`, or with the number of files for each:
 * `deno task fuzz 1000 --only png,csv --seed 3`. What is accepted is read again by Python (NumPy,
 * Pillow, PyArrow, csv, gzip) under `/usr/bin/python3`, or `--python PATH`, where that is there.
 */
import { fileURLToPath } from "node:url";
import { cpuUsage, resourceUsage } from "node:process";
import { formatTable } from "../../engine/inspect/text.ts";
import { joined } from "../archives.ts";
import { Dice } from "./mutations.ts";
import { type Found, isDocumented, type Reader } from "./reader.ts";
import { READERS } from "./readers.ts";

const PEER = fileURLToPath(new URL("independent.py", import.meta.url));
/** Files that the other reader gets together. */
const BATCH = 500;
/** No file is larger than some kilobytes: taking longer of a processor is a problem. */
const MOST_MS = 2000;
/** As is a peak of the memory that is higher by so much, in bytes. */
const MOST_BYTES = 2 ** 30;
const SHOWN = 5;

interface Row {
  accepted: number;
  refused: number;
  compared: number;
  /** Accepted here, refused there. */
  alone: number;
  problems: string[];
  slowest: number;
}

const { count, only, seed, python } = optionsOf(Deno.args);

function optionsOf(args: readonly string[]) {
  const value = (flag: string) => {
    const at = args.indexOf(flag);
    return at < 0 ? undefined : args[at + 1];
  };
  const first = args[0]?.startsWith("--") ? undefined : args[0];
  return {
    count: Number(first ?? 100_000),
    only: value("--only")?.split(","),
    seed: Number(value("--seed") ?? 1),
    python: value("--python") ?? "/usr/bin/python3",
  };
}

/** Whether Python has what the other reader needs. */
async function hasPeer({ name, peer }: Reader): Promise<boolean> {
  if (peer === undefined) return false;
  const modules = peer.length === 0 ? "csv" : peer.join(", ");
  try {
    const { success } = await new Deno.Command(python, { args: ["-c", `import ${modules}`] })
      .output();
    if (success) return true;
  } catch {
    // There is no Python.
  }
  console.error(`NOT COMPARED: ${name}, for ${python} has no ${modules}`);
  return false;
}

/** What another reader says of files: whether it agrees, by file. */
async function agreements(
  reader: string,
  files: readonly (readonly [Uint8Array, Found, ...unknown[]])[],
): Promise<string[]> {
  const number = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
  const parts = files.flatMap(([bytes, { shape, values }]) => {
    const numbers = new Uint8Array(Float64Array.from(values).buffer);
    return [
      ...[number(bytes.length), bytes, number(shape.length), ...shape.map(number)],
      ...[number(values.length), numbers],
    ];
  });
  const child = new Deno.Command(python, {
    args: [PEER, reader],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(joined(parts));
  await writer.close();
  const { stdout, success } = await child.output();
  if (!success) throw new Error(`${PEER} failed`);
  return new TextDecoder().decode(stdout).trimEnd().split("\n");
}

/** The most memory that the process has had until now, in bytes. */
function peakMemory(): number {
  return 1024 * resourceUsage().maxRSS;
}

/** Milliseconds of all processors, so that other work on the machine does not count. */
function processorTime(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

async function check(reader: Reader, index: number): Promise<Row> {
  const withPeer = await hasPeer(reader);
  const row: Row = { accepted: 0, refused: 0, compared: 0, alone: 0, problems: [], slowest: 0 };
  let batch: [bytes: Uint8Array, found: Found, file: number][] = [];
  const compare = async () => {
    if (!withPeer || batch.length === 0) return;
    const said = await agreements(reader.name, batch);
    batch.forEach(([, , file], i) => {
      row.compared++;
      if (said[i].startsWith("refused")) {
        if (row.alone++ < SHOWN) console.error(`${reader.name}: file ${file}: ${said[i]}`);
      } else if (said[i] !== "same") row.problems.push(`file ${file}: misread: ${said[i]}`);
    });
    batch = [];
  };
  for (let file = 0; file < count; file++) {
    const bytes = await reader.make(new Dice(seed * 0x9e3779b1 + index * 0x85ebca6b + file));
    const [started, peak] = [processorTime(), peakMemory()];
    try {
      const found = await reader.read(bytes);
      row.accepted++;
      if (found) batch.push([bytes, found, file]);
    } catch (error) {
      row.refused++;
      if (!isDocumented(error)) row.problems.push(`file ${file}: ${(error as Error).stack}`);
    }
    const milliseconds = processorTime() - started;
    row.slowest = Math.max(row.slowest, milliseconds);
    if (milliseconds > MOST_MS) row.problems.push(`file ${file}: ${Math.round(milliseconds)} ms`);
    const taken = peakMemory() - peak;
    if (taken > MOST_BYTES) row.problems.push(`file ${file}: ${Math.round(taken / 1e6)} MB`);
    if (batch.length >= BATCH) await compare();
  }
  await compare();
  return row;
}

const unknown = only?.find((name) => !READERS.some((reader) => reader.name === name));
if (unknown !== undefined) {
  console.error(`there is no reader ${unknown}: ${READERS.map(({ name }) => name).join(", ")}`);
  Deno.exit(2);
}
const lines: string[][] = [];
let failed = 0;
for (const [index, reader] of READERS.entries()) {
  if (only !== undefined && !only.includes(reader.name)) continue;
  const row = await check(reader, index);
  failed += row.problems.length;
  for (const problem of row.problems.slice(0, SHOWN)) console.error(`${reader.name}: ${problem}`);
  const { accepted, refused, compared, alone, problems, slowest } = row;
  const megabytes = Math.round(peakMemory() / 1e6);
  lines.push([
    reader.name,
    ...[accepted + refused, accepted, compared, alone, problems.length].map(String),
    ...[slowest.toFixed(0), String(megabytes)],
  ]);
  console.error(lines.at(-1)!.join("  "));
}
const header = ["", "files", "accepted", "read again", "refused there", "problems"];
console.log(formatTable([...header, "slowest, ms", "peak so far, MB"], lines));
if (failed > 0) {
  console.error(`again: deno task fuzz ${count} --seed ${seed} --only READER`);
}
Deno.exit(failed > 0 ? 1 : 0);
