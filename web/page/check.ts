/**
 * Uses the page in Chromium as a person without a mouse does: trains on the CPU with a pause on the way
 * and compares the labels with the command line's, byte for byte; clusters files; trains again when the
 * server is gone; and then, still without it, trains on WebGPU and audits. Exits with 1 where anything is
 * wrong.
 *
 * usage: deno task page:check [--audits all|gradients|none] [--pictures FOLDER] [--chromium PATH]
 */
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import type { LogRow } from "../../models/estimator.ts";
import { adjustedRandIndex } from "../../models/evaluation/metrics.ts";
import { openChromium } from "../chromium.ts";
import { clusterOwnFiles } from "./own_files_check.ts";
import { takePictures } from "./pictures_check.ts";
import { openReport } from "./report_check.ts";
import {
  auditWith,
  choose,
  focus,
  labelsOf,
  logOf,
  type,
  until,
  untilWrong,
  waitForRun,
} from "./keyboard.ts";

/** Options as the form takes them. */
type Options = Readonly<Record<string, string>>;

/** A short run: every phase, and pauses in two of them. */
const SHORT: Options = {
  seed: "0",
  pretrainSteps: "700",
  steps: "140",
  hidden: "128,128",
  constructionSteps: "420",
};

/** Shorter still: a program imitates the GPU where there is none. */
const SHORTER: Options = { ...SHORT, pretrainSteps: "140", partition: "kmeans" };

/** Agreement of labels that WebGPU must reach with the CPU's: rounding moves rows between clusters. */
const TOLERANCE = 0.9;

/** By how much of itself a loss of pre-training may differ: sums in another order, over so many steps. */
const LOSS_TOLERANCE = 1e-3;

let failures = 0;

function report(passed: boolean, what: string): void {
  if (!passed) failures++;
  console.log(`${passed ? "ok" : "FAILED"}  ${what}`);
}

function argument(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

/** What the command line's run has, by the same options. */
interface OwnRun {
  /** labels.csv */
  readonly labels: string;
  readonly log: readonly LogRow[];
}

async function runOfCommandLine(options: Options): Promise<OwnRun> {
  const folder = await Deno.makeTempDir();
  const flags = Object.entries(options).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    value,
  ]);
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        "--allow-write",
        "--allow-env",
        fileURLToPath(new URL("../../cli.ts", import.meta.url)),
        ...["train", "--device", "cpu", "--no-baseline", "--out", `${folder}/run`, ...flags],
      ],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const log = await Deno.readTextFile(`${folder}/run/metrics.jsonl`);
    return {
      labels: await Deno.readTextFile(`${folder}/run/labels.csv`),
      log: log.trim().split("\n").map((line) => JSON.parse(line)),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Starts `serve` by the command that its help names. @returns Its address. */
async function startServer(): Promise<{ address: string; process: Deno.ChildProcess }> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-P=serve", "cli.ts", "serve", "--port", "0"],
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    stdout: "piped",
  }).spawn();
  const reader = process.stdout.pipeThrough<string>(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("serve ended before it said its address");
    text += value;
  }
  return { address: text.split(" ")[0], process };
}

/** Ends the server, if it has not ended. */
async function end(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill();
  } catch (error) {
    // Whoever has ended cannot be killed.
    if (!(error instanceof TypeError)) throw error;
  }
  await process.status;
}

/** Fills in the options and presses Train, by keyboard. */
async function start(page: Page, device: string, options: Options): Promise<void> {
  await choose(page, "device", device);
  for (const [name, value] of Object.entries(options)) {
    if (name === "hidden") await openOptions(page);
    await (name === "partition" ? choose : type)(page, `option-${name}`, value);
  }
  await focus(page, "train");
  await page.keyboard.press("Enter");
}

async function openOptions(page: Page): Promise<void> {
  if (await page.evaluate("document.querySelector('#rest').closest('details').open")) return;
  await focus(page, "rest-summary");
  await page.keyboard.press("Enter");
}

async function press(page: Page, id: string): Promise<void> {
  await focus(page, id);
  await page.keyboard.press("Enter");
}

/** The largest difference of a loss of pre-training's last row, as a share of it. */
function lossDifference(log: readonly LogRow[], expected: readonly LogRow[]): number {
  const last = (rows: readonly LogRow[]) => rows.findLast(({ phase }) => phase === "pre-training")!;
  const { phase: _, step, ...losses } = last(expected);
  const found = last(log);
  if (found.step !== step) return Infinity;
  return Math.max(
    ...Object.entries(losses).map(([name, value]) =>
      Math.abs(Number(found[name]) / Number(value) - 1)
    ),
  );
}

function labelColumn(csv: string): Uint32Array {
  return Uint32Array.from(csv.trim().split("\n").slice(1), (line) => Number(line.split(",")[1]));
}

const { labels: expected } = await runOfCommandLine(SHORT);
const { address, process } = await startServer();
const browser = await openChromium(argument("chromium"));
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 900 } });
  page.on("pageerror", (error: Error) => report(false, `the page threw ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") report(false, `the page logged ${message.text()}`);
  });
  await page.goto(address);
  await until(page, "data-status", /5,620 rows/);
  report(true, "the digits are there");

  await start(page, "cpu", SHORT);
  await until(page, "rate", /pre-training: [1-9]/);
  await press(page, "pause");
  await until(page, "status", /^Paused/);
  const kappaIsOpen = await page.isVisible("#kappa-change");
  report(kappaIsOpen, "a pause in pre-training, at which kappa can be changed");
  await type(page, "kappa-now", "7");
  await press(page, "resume");
  await untilWrong(page, /kappa must be a number ≥ 0 and ≤ 1, got 7/);
  report(true, "a wrong kappa is refused, and the run stays paused");
  await type(page, "kappa-now", "0.3");
  const before = await page.textContent("#rate");
  await press(page, "step");
  await until(page, "status", /^Paused/);
  report(await page.textContent("#rate") !== before, "a step goes on and pauses again");
  await press(page, "resume");
  await until(page, "rate", /construction: [1-9]/);
  await press(page, "pause");
  await until(page, "status", /^Paused/);
  report(!await page.isVisible("#kappa-change"), "a pause in clustering, where kappa is bound");
  await press(page, "resume");
  await waitForRun(page);
  const onCpu = await labelsOf(page);
  report(onCpu === expected, "CPU: labels.csv is the command line's, byte for byte");
  report(await page.locator("#clusters canvas").count() === 10, "ten centroids are drawn");
  await openReport(page, report);

  const folder = argument("pictures");
  if (folder !== undefined) await takePictures(page, folder);

  await clusterOwnFiles(page, report);

  await until(page, "offline", /works offline/);
  await end(process);
  await page.reload();
  await until(page, "data-status", /5,620 rows/);
  await start(page, "cpu", SHORT);
  await waitForRun(page);
  report(await labelsOf(page) === expected, "without the server: the same page, the same bytes");

  await start(page, "webgpu", SHORTER);
  await waitForRun(page);
  const onGpu = await labelsOf(page);
  const reference = await runOfCommandLine(SHORTER);
  const agreement = adjustedRandIndex(labelColumn(reference.labels), labelColumn(onGpu));
  const difference = lossDifference(await logOf(page), reference.log);
  report(
    /--device webgpu/.test(await page.textContent("#command") ?? ""),
    "WebGPU: the command that repeats it names the device",
  );
  report(
    agreement >= TOLERANCE,
    `WebGPU: labels agree with the CPU's by ARI ${agreement.toFixed(4)}`,
  );
  report(
    difference <= LOSS_TOLERANCE,
    `WebGPU: losses after pre-training differ from the CPU's by ${difference.toExponential(1)}`,
  );

  const audits = argument("audits") ?? "all";
  const subjects = audits === "all"
    ? ["gradients", "kernels-cpu", "kernels-webgpu"]
    : audits === "none"
    ? []
    : [audits];
  for (const subject of subjects) {
    const { said, rows } = await auditWith(page, subject);
    const isWhole = rows > 0 && said.endsWith(`All pass: ${rows} rows.`);
    report(isWhole, `audit of ${subject}: ${said}`);
  }
} finally {
  await browser.close();
  await end(process);
}
console.log(failures === 0 ? "all is well" : `${failures} failed`);
Deno.exit(failures === 0 ? 0 : 1);
