/**
 * Where the wall time of a whole `train` goes: what it says on stderr tells the phases. See
 * `deno task bench:whole --help`.
 */
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { formatTable } from "../engine/inspect/text.ts";
import { circumstances } from "./measure.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What a run says, and when. */
export interface Line {
  readonly text: string;
  /** Seconds since the process was started. */
  readonly at: number;
}

/** A stretch of a run. */
export interface Part {
  readonly name: string;
  readonly seconds: number;
}

/** The name of the part that begins with a line; undefined for one that begins none. */
function beginning(text: string): string | undefined {
  const stage = /^(.*) …$/.exec(text) ?? /^(.*?) [\d,.]+\/[\d,.]+( {2}|$)/.exec(text);
  if (stage) return stage[1];
  if (/, after [\d.,]+ (ms|s|min|h)/.test(text)) return "report";
  return undefined;
}

/** The parts of a run by its lines; the last one is its end. */
export function partsOf(lines: readonly Line[]): Part[] {
  const parts: Part[] = [];
  let name = "start, reading";
  let from = 0;
  const close = ({ at }: Line) => {
    parts.push({ name, seconds: at - from });
    from = at;
  };
  for (const line of lines.slice(0, -1)) {
    const next = beginning(line.text);
    if (next === undefined || next === name) continue;
    close(line);
    name = next;
  }
  close(lines[lines.length - 1]);
  return parts;
}

/** Runs `train` to its end. @throws {Error} with what it said where it fails. */
async function watch(args: readonly string[]): Promise<Line[]> {
  const out = await Deno.makeTempDir({ dir: `${ROOT}bench/results`, prefix: "whole-" });
  try {
    const started = performance.now();
    const child = new Deno.Command("deno", {
      args: ["run", "-P", "cli.ts", "train", "--out", `${out}/run`, ...args],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const lines: Line[] = [];
    let rest = "";
    const add = (text: string) => {
      const at = (performance.now() - started) / 1000;
      lines.push({ text, at });
      console.error(`${at.toFixed(1).padStart(7)} s  ${text}`);
    };
    for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
      const texts = `${rest}${chunk}`.split("\n");
      rest = texts.pop()!;
      texts.forEach(add);
    }
    const { success } = await child.status;
    if (!success) throw new Error(lines.map(({ text }) => text).join("\n"));
    add("");
    return lines;
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

function format(parts: readonly Part[]): string {
  const total = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  const rows = [...parts, { name: "all", seconds: total }];
  return formatTable(
    ["", "s", "share"],
    rows.map(({ name, seconds }) => [
      name,
      seconds.toFixed(2),
      `${(100 * seconds / total).toFixed(1)} %`,
    ]),
  );
}

async function main(): Promise<void> {
  const command = new Command("deno task bench:whole")
    .description("Where the wall time of a whole training goes.")
    .argument("[options...]", "of train, after --; by default it is the README's first command")
    .option("--json", "print one JSON object")
    .showHelpAfterError()
    .parse([...Deno.args], { from: "user" });
  const args = command.args;
  const parts = partsOf(await watch(args));
  if (command.opts().json) {
    console.log(JSON.stringify({ ...await circumstances(), args, parts }, null, 2));
  } else {
    console.log(`train ${args.join(" ")}`);
    console.log(format(parts));
  }
}

if (import.meta.main) await main();
