/**
 * How long it takes to begin: the command line's help, the import of the module, and the first training
 * step on the CPU backend. Every time is the median of processes of their own, in turns.
 */
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { circumstances, median } from "./measure.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A first step of 784-500-500-2000-10, and what passed between opening the device and its end. */
const FIRST_STEP = `
import { openDevice } from "./engine/device.ts";
import { prepare } from "./bench/workload.ts";
const started = performance.now();
const backend = await openDevice({ device: "cpu" });
const workload = await prepare(backend, "ae", { inputs: 784, rows: 256 });
await workload.run(1);
console.log(performance.now() - started);
await backend.dispose();
`;

/** What is started, by name; `eval` reads programs from the command line. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  help: ["run", "-P", "cli.ts", "--help"],
  nothing: ["eval", ""],
  import: ["eval", 'import "./mod.ts";'],
  step: ["eval", FIRST_STEP],
};

/** Runs a program to its end. @returns Its wall time, and the number that it prints, in ms. */
async function start(args: readonly string[]): Promise<{ wall: number; printed: number }> {
  const started = performance.now();
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
  }).output();
  const wall = performance.now() - started;
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { wall, printed: Number(new TextDecoder().decode(stdout)) };
}

function parse(): { readonly runs: number; readonly json?: boolean } {
  return new Command("deno task bench:start")
    .description("How long it takes to begin, in processes of their own.")
    .option("--runs <n>", "processes of each kind", (text) => {
      const value = Number(text);
      if (Number.isInteger(value) && value >= 1) return value;
      throw new InvalidArgumentError("It must be an integer of at least 1.");
    }, 11)
    .option("--json", "print one JSON object")
    .allowExcessArguments(false)
    .showHelpAfterError()
    .parse([...Deno.args], { from: "user" })
    .opts();
}

const { runs, json } = parse();
const names = Object.keys(PROGRAMS);
const wall = new Map(names.map((name) => [name, [] as number[]]));
const firstSteps: number[] = [];
// The first run of each fills Deno's caches.
for (let run = 0; run <= runs; run++) {
  for (const name of names) {
    const { wall: taken, printed } = await start(PROGRAMS[name]);
    if (run === 0) continue;
    wall.get(name)!.push(taken);
    if (name === "step") firstSteps.push(printed);
  }
}
const middle = (name: string) => median(wall.get(name)!);
const best = (name: string) => Math.min(...wall.get(name)!);
const rows = [
  { name: "cli.ts --help", medianMs: middle("help"), bestMs: best("help"), targetMs: 150 },
  { name: "a process that does nothing", medianMs: middle("nothing"), bestMs: best("nothing") },
  {
    name: "importing mod.ts, that process subtracted",
    medianMs: middle("import") - middle("nothing"),
    bestMs: best("import") - best("nothing"),
    targetMs: 60,
  },
  {
    name: "openDevice to the end of the first step, 784-500-500-2000-10",
    medianMs: median(firstSteps),
    bestMs: Math.min(...firstSteps),
    targetMs: 1000,
  },
  {
    name: "process start to its end after that step",
    medianMs: middle("step"),
    bestMs: best("step"),
    targetMs: 1000,
  },
];
if (json) {
  console.log(JSON.stringify({ ...await circumstances(), runs, rows }, null, 2));
} else {
  console.log(`medians of ${runs} processes, in turns`);
  console.log(formatTable(
    ["", "median ms", "best ms", "target ms"],
    rows.map(({ name, medianMs, bestMs, targetMs }) => [
      name,
      medianMs.toFixed(0),
      bestMs.toFixed(0),
      targetMs === undefined ? "" : `${targetMs}`,
    ]),
  ));
}
