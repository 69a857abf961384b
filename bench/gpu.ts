/**
 * All that a new GPU is asked, most valuable first, within a budget of time: what it is, whether every
 * kernel is right on it, how long steps take beside PyTorch's, which tiles suit it, passes over whole
 * data, and a published schedule. Each result is written as soon as there is one; a part that fails or
 * hangs costs the others nothing. Started again with the same --out, trainings go on where they were.
 */
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { listAdapters } from "../engine/webgpu/mod.ts";
import { type PartOptions, PARTS } from "./gpu/parts.ts";
import { type Result, runSchedule } from "./gpu/schedule.ts";
import { summarize } from "./gpu/summary.ts";

interface Options extends Omit<PartOptions, "seconds" | "out"> {
  readonly minutes: number;
  readonly out?: string;
  readonly parts: readonly string[];
}

function positive(text: string, most = Infinity): number {
  const value = Number(text);
  if (value > 0 && value <= most) return value;
  const range = most < Infinity ? `above 0, at most ${most}` : "above 0";
  throw new InvalidArgumentError(`It must be a number ${range}.`);
}

const NAMES = PARTS.map(({ name }) => name);

function namesOf(text: string): string[] {
  return text.split(",").map((name) => {
    if (NAMES.includes(name)) return name;
    throw new InvalidArgumentError(
      `There is no ${name || "empty name"}, only ${NAMES.join(", ")}.`,
    );
  });
}

function parse(args: readonly string[]): Options {
  return new Command("deno task gpu")
    .description("Measures a GPU whole within a budget of time, most valuable first.")
    .option("--minutes <n>", "for all parts together", (text) => positive(text), 8)
    .option("--out <dir>", "folder of the results (default: bench/results/gpu-ADAPTER)")
    .option("--parts <names>", `of ${NAMES.join(", ")} (default: all)`, namesOf, NAMES)
    .option("--python <path>", "a Python that has PyTorch, looked at first")
    .option("--data-dir <dir>", "where named data sets lie (default: the cache)")
    .option(
      "--scale <x>",
      "of rows, rounds and steps, to try it on a slow adapter; below 1, kernels/tiles.json is left as it is",
      (text) => positive(text, 1),
      1,
    )
    .allowExcessArguments(false)
    .showHelpAfterError()
    .parse([...args], { from: "user" })
    .opts();
}

/** Letters, digits and single hyphens. */
function slug(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
}

const { minutes, parts, scale, out: wanted, ...places } = parse(Deno.args);
const adapters = await listAdapters();
const adapter = adapters.find((one) => one.class === "hardware") ?? adapters.at(0);
if (adapter === undefined) {
  console.error("deno task gpu: WebGPU shows no adapter on this machine");
  Deno.exit(1);
}
const name = `gpu-${slug(adapter.title)}${scale < 1 ? `-scale-${scale}` : ""}`;
await Deno.mkdir(wanted ?? new URL(`results/${name}`, import.meta.url), { recursive: true });
const out = await Deno.realPath(wanted ?? new URL(`results/${name}`, import.meta.url));
const dataDir = places.dataDir && await Deno.realPath(places.dataDir);

const file = `${out}/results.jsonl`;
const earlier = await Deno.readTextFile(file).catch(() => "");
const results: Result[] = earlier.split("\n").filter(Boolean).map((line) => JSON.parse(line));
const title = `${adapter.title}, scale ${scale}`;
const part = fileURLToPath(new URL("gpu/part.ts", import.meta.url));

console.log(`${title}: at most ${minutes} minutes, results in ${out}`);
await runSchedule(PARTS.filter(({ name }) => parts.includes(name)), {
  seconds: 60 * minutes,
  command(name, seconds) {
    const options: PartOptions = {
      ...places,
      ...(dataDir && { dataDir }),
      out,
      scale,
      seconds,
    };
    return ["run", "--no-prompt", "-P=gpu", part, name, JSON.stringify(options)];
  },
  async record(result) {
    results.push(result);
    await Deno.writeTextFile(file, `${JSON.stringify(result)}\n`, { append: true });
    if (!("status" in result)) return;
    await Deno.writeTextFile(`${out}/summary.txt`, summarize(title, PARTS, results));
    console.log(`${result.part}: ${result.status}`);
  },
});
console.log(`\n${await Deno.readTextFile(`${out}/summary.txt`)}`);
