/**
 * Every reader on damaged files, `deno task fuzz`, or with the number of files for each:
 * `deno task fuzz 1000 --only png --seed 3`. What is accepted is read again by Python (NumPy, Pillow,
 * csv, gzip) under `/usr/bin/python3`, where that is there.
 */
import { cpuUsage } from "node:process";
import { formatTable } from "../../engine/inspect/text.ts";
import { joined } from "../archives.ts";
import { Dice } from "./mutations.ts";
import { type Found, isDocumented, type Reader, READERS } from "./readers.ts";

const PYTHON = "/usr/bin/python3";
const PEER = new URL("independent.py", import.meta.url).pathname;
/** Files that the other reader gets together. */
const BATCH = 500;
/** No file is larger than some kilobytes: taking longer of a processor is a problem. */
const MOST_MS = 2000;
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

const [count, only, seed] = optionsOf(Deno.args);

function optionsOf(
  args: readonly string[],
): [count: number, only: string | undefined, seed: number] {
  const value = (flag: string) => {
    const at = args.indexOf(flag);
    return at < 0 ? undefined : args[at + 1];
  };
  const first = args[0]?.startsWith("--") ? undefined : args[0];
  return [Number(first ?? 100_000), value("--only"), Number(value("--seed") ?? 1)];
}

/** Whether Python has what the other readers need. */
async function hasPeer(): Promise<boolean> {
  try {
    const args = ["-c", "import numpy, PIL"];
    return (await new Deno.Command(PYTHON, { args }).output()).success;
  } catch {
    return false;
  }
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
  const child = new Deno.Command(PYTHON, {
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

/** Milliseconds of all processors, so that other work on the machine does not count. */
function processorTime(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

async function check(reader: Reader, index: number, withPeer: boolean): Promise<Row> {
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
    const started = processorTime();
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
    if (batch.length >= BATCH) await compare();
  }
  await compare();
  return row;
}

const withPeer = await hasPeer();
if (!withPeer) console.error(`NOT COMPARED: ${PYTHON} has no NumPy and Pillow`);
const lines: string[][] = [];
let failed = 0;
for (const [index, reader] of READERS.entries()) {
  if (only !== undefined && reader.name !== only) continue;
  const row = await check(reader, index, withPeer);
  failed += row.problems.length;
  for (const problem of row.problems.slice(0, SHOWN)) console.error(`${reader.name}: ${problem}`);
  const { accepted, refused, compared, alone, problems, slowest } = row;
  const megabytes = Math.round(Deno.memoryUsage().rss / 1e6);
  lines.push([
    reader.name,
    ...[accepted + refused, accepted, compared, alone, problems.length].map(String),
    ...[slowest.toFixed(0), String(megabytes)],
  ]);
  console.error(lines.at(-1)!.join("  "));
}
const header = ["", "files", "accepted", "read again", "refused there", "problems"];
console.log(formatTable([...header, "slowest, ms", "memory after, MB"], lines));
if (failed > 0) {
  console.error(`again: deno task fuzz ${count} --seed ${seed} --only READER`);
}
Deno.exit(failed > 0 ? 1 : 0);
