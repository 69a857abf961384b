/**
 * Uses the npm package as its users do, from the packed tarball in a fresh folder: a program and the
 * command line on Node, a page that Vite bundles in Chromium, a TypeScript project under `tsc --strict`.
 * Exits with 1 where anything fails or differs from what Deno gives.
 *
 * usage: deno task package:check [path of Chromium, default /usr/bin/chromium]
 */
import { fileURLToPath } from "node:url";
import { loadDataset } from "../datasets/load.ts";
import { encodeNpy } from "../datasets/npy.ts";
import { openChromium, serveFolder } from "../web/chromium.ts";
import { buildPackage } from "./build.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const consumers = `${root}npm/consumers`;
const folder = await Deno.makeTempDir({ prefix: "dynae-package-" });
/** What the consumers are compiled with. */
const TOOLS = ["typescript", "typescript-5@npm:typescript@5.9", "vite"];
const environment: Record<string, string> = { NO_COLOR: "1", XDG_RUNTIME_DIR: "/tmp" };

/** Runs a program in the fresh folder; returns its standard output. @throws {Error} where it fails. */
async function run(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: folder,
    env: environment,
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (!success) throw new Error(`${program} ${args.join(" ")} failed\n${out}${err}`);
  return out;
}

/** Puts Node 22 first in the path, from its npm package, where the system's is older. */
async function needNode(): Promise<string> {
  const [major] = (await run("node", "-p", "process.versions.node")).split(".").map(Number);
  if (major < 22) {
    const { os, arch } = Deno.build;
    const system = os === "windows" ? "win" : os;
    const name = `node-${system}-${arch === "aarch64" ? "arm64" : "x64"}`;
    await run("npm", "install", "--silent", "--no-save", `${name}@22`);
    environment.PATH = `${folder}/node_modules/${name}/bin:${Deno.env.get("PATH")}`;
  }
  return (await run("node", "--version")).trim();
}

/** @throws {Error} where two things differ as JSON. */
function expectEqual(what: string, actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 300)}, expected ${b?.slice(0, 300)}`);
}

let failures = 0;

/** Does one check, and prints how it went. */
async function check(name: string, work: () => Promise<string>): Promise<void> {
  try {
    console.log(`ok      ${name}: ${await work()}`);
  } catch (error) {
    failures++;
    console.log(`FAILED  ${name}: ${(error as Error).message}`);
  }
}

/** What Deno gives for the program on the sources. */
interface Outcome {
  readonly threads: number;
  readonly labels: number[];
  readonly embedding: number[];
}

/** The program on Node, beside Deno. */
async function checkProgram(expected: Outcome): Promise<string> {
  const version = await run("node", "--version");
  const actual: Outcome = JSON.parse(await run("node", "program.js"));
  expectEqual("what the program prints", actual, expected);
  return `${version.trim()}, ${actual.threads} threads, the bytes that Deno gives`;
}

/** `npx dynae`, beside Deno's command line. */
async function checkCommand(): Promise<string> {
  const command = "node_modules/dynae/node/cli.js";
  const help = await run("npx", "--no-install", "dynae", "--help");
  if (!help.includes("Usage: npx dynae")) throw new Error(`help says ${help}`);
  const short = ["--pretrain-steps", "20", "--construction-steps", "10", "--steps", "20"];
  // Without classes: the last bit of a score's logarithm is the runtime's.
  const { data } = await loadDataset("optdigits", { limit: 500 });
  await Deno.writeFile(`${folder}/rows.npy`, encodeNpy(data, [500, 8, 8]));
  const rows = ["--data", "rows.npy", "--scale", "none"];
  const train = ["train", ...rows, "--device", "cpu", "--threads", "2", ...short];
  await run("npx", "--no-install", "dynae", ...train, "--out", "by-node");
  await run(Deno.execPath(), "run", "--quiet", "-A", `${root}cli.ts`, ...train, "--out", "by-deno");
  for (const file of ["labels.csv", "embedding.npy", "checkpoint.safetensors", "metrics.jsonl"]) {
    const [ours, theirs] = await Promise.all(
      ["by-node", "by-deno"].map((name) => Deno.readFile(`${folder}/${name}/${file}`)),
    );
    expectEqual(file, ours.length, theirs.length);
    if (ours.some((byte, i) => byte !== theirs[i])) throw new Error(`${file} differs from Deno's`);
  }
  const predict = ["predict", "--run", "by-node", "--data", "optdigits", "--limit", "500"];
  await run("npx", "--no-install", "dynae", ...predict, "-o", "predicted.csv");
  const lines = (await Deno.readTextFile(`${folder}/predicted.csv`)).trim().split("\n").length;
  expectEqual("lines of predicted.csv", lines, 501);
  // Neither WebGPU nor Tint is there.
  await run("npx", "--no-install", "dynae", "audit", "kernels", "--kernel", "fold");
  const older = 'Object.defineProperty(process.versions, "node", { value: "20.1.0" });';
  const refusal = await run("node", "--import", `data:text/javascript,${older}`, command, "info")
    .catch(({ message }: Error) => message);
  if (!refusal.includes("dynae needs Node 22")) throw new Error(`on Node 20 it says ${refusal}`);
  return "train gives the bytes that Deno gives; predict reads the run; an older Node is told of";
}

/** The page that Vite bundles, on both backends. */
async function checkPage(expected: Outcome): Promise<string> {
  await Deno.rename(`${folder}/page.html`, `${folder}/index.html`);
  await run("npx", "--no-install", "vite", "build", "--logLevel", "warn");
  const server = serveFolder(`${folder}/dist`);
  const browser = await openChromium(Deno.args[0]);
  const shown: string[] = [];
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error: Error) => console.error(error.message));
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await page.waitForFunction("globalThis.check");
    for (const device of ["cpu", "webgpu"]) {
      const found = await page.evaluate(`check("${device}")`) as
        & Outcome
        & Record<"description" | "files", string>;
      shown.push(found.description);
      expectEqual(`labels on ${device}`, found.labels, expected.labels);
      if (device === "cpu") expectEqual("codes", found.embedding, expected.embedding);
      const refusal = "dynae: a page cannot read or write files; hand over bytes or values";
      expectEqual("what loadDataset says", found.files, refusal);
    }
  } finally {
    await browser.close();
    await server.shutdown();
  }
  return `${shown.join(" and ")}: Deno's labels, and on the CPU its bytes`;
}

/** The TypeScript project, as Node and as bundlers resolve; with and without a WebGPU of TypeScript's own. */
async function checkTypes(): Promise<string> {
  const strict = ["--noEmit", "--strict", "--target", "es2022"];
  const versions: string[] = [];
  for (const compiler of ["typescript", "typescript-5"]) {
    const tsc = `node_modules/${compiler}/bin/tsc`;
    for (const [module, resolution] of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
      const how = ["--module", module, "--moduleResolution", resolution];
      await run("node", tsc, ...strict, ...how, "strict.ts");
    }
    versions.push((await run("node", tsc, "--version")).trim());
  }
  return versions.join(" and ");
}

try {
  const tarball = (await run("npm", "pack", "--silent", await buildPackage())).trim();
  const { size } = await Deno.stat(`${folder}/${tarball}`);
  console.log(`${tarball}: ${size} bytes`);
  await Deno.writeTextFile(`${folder}/package.json`, '{ "type": "module", "private": true }\n');
  for await (const { name } of Deno.readDir(consumers)) {
    await Deno.copyFile(`${consumers}/${name}`, `${folder}/${name}`);
  }
  await run("npm", "install", "--silent", `./${tarball}`, ...TOOLS);
  await needNode();
  const program = ["run", "--quiet", "-A", `--config=${root}deno.json`, `${consumers}/program.js`];
  const expected: Outcome = JSON.parse(await run(Deno.execPath(), ...program));
  await check("program on Node", () => checkProgram(expected));
  await check("command line on Node", checkCommand);
  await check("page by Vite", () => checkPage(expected));
  await check("TypeScript", checkTypes);
} finally {
  await Deno.remove(folder, { recursive: true });
}
Deno.exit(failures === 0 ? 0 : 1);
