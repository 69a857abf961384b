/**
 * Makes the npm package in npm/dist: bundles for Node and for pages (shaders inlined), declarations, the
 * data set that ships.
 *
 * usage: deno task package:build
 */
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, stop } from "esbuild";
import config from "../deno.json" with { type: "json" };
import { texts, workerUrl } from "../web/build.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const out = `${root}npm/dist`;

/** The package's exports by the names of their bundles. */
const ENTRIES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(config.exports).filter(([name]) => name !== "./cli").map(([name, path]) => [
    name === "." ? "mod" : name.slice("./".length),
    path.slice("./".length),
  ]),
);

const SHARED: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: "esm",
  packages: "external",
  metafile: true,
  loader: { ".wgsl": "text" },
  plugins: [texts, workerUrl],
  logLevel: "warning",
};

/** Writes a bundle for each entry. @returns Paths of the sources that went in. */
async function bundle(options: BuildOptions): Promise<string[]> {
  const { metafile } = await build({ ...SHARED, ...options });
  return Object.keys(metafile!.inputs);
}

/** @throws {Error} for sources that call something of Deno's that `npm/node/deno.ts` has not. */
async function checkCalls(paths: readonly string[]): Promise<void> {
  const { Deno: known } = await import("./node/deno.ts");
  const missing = new Set<string>();
  for (const path of paths.filter((path) => path.endsWith(".ts") && !path.startsWith("npm/"))) {
    const source = await Deno.readTextFile(root + path);
    for (
      const [line, name] of source.matchAll(/^(?! *(?:\*|\/\/|\/\*\*)).*?\bDeno\.([a-z]\w*)/gm)
    ) {
      if (!Object.hasOwn(known, name)) missing.add(`${path}: ${line.trim()}`);
    }
  }
  if (missing.size > 0) throw new Error(`npm/node/deno.ts lacks\n${[...missing].join("\n")}`);
}

/** Declarations, whose imports name what is there: `.js`. */
async function declare(): Promise<void> {
  const types = `${out}/types`;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", "npm:typescript@7.0.2/tsc", "-p", `${root}npm/tsconfig.json`],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stdout));
  const visit = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) await visit(path);
      else {
        const text = await Deno.readTextFile(path);
        await Deno.writeTextFile(path, text.replace(/("\.\.?\/[^"]*)\.ts"/g, '$1.js"'));
      }
    }
  };
  await visit(types);
  await Deno.mkdir(`${types}/webgpu`);
  for (const [name, path] of Object.entries(ENTRIES)) {
    const file = `${types}/${declarationsOf(path)}`;
    const libraries = '/// <reference lib="esnext" />\n/// <reference lib="dom" />\n';
    await Deno.writeTextFile(file, libraries + await Deno.readTextFile(file));
    const types5 = `/// <reference types="@webgpu/types" />\nexport * from "../${
      path.replace(/\.ts$/, ".js")
    }";\n`;
    await Deno.writeTextFile(`${types}/webgpu/${name}.d.ts`, types5);
  }
}

function declarationsOf(path: string): string {
  return path.replace(/\.ts$/, ".d.ts");
}

/** package.json; versions are deno.json's. */
function manifest() {
  const versionOf = (name: keyof typeof config.imports) => config.imports[name].split("@").at(-1)!;
  const exports = Object.entries(ENTRIES).map(([name, path]) => [
    name === "mod" ? "." : `./${name}`,
    {
      // From 6.0 on TypeScript's own library declares WebGPU, and @webgpu/types contradicts it.
      "types@>=6.0": `./types/${declarationsOf(path)}`,
      types: `./types/webgpu/${name}.d.ts`,
      browser: `./browser/${name}.js`,
      default: `./node/${name}.js`,
    },
  ]);
  return {
    name: "dynae",
    version: config.version,
    description: "Deep clustering from scratch: WGSL kernels, WebAssembly, no framework",
    keywords: ["clustering", "deep-clustering", "webgpu", "wgsl", "autoencoder", "dynae"],
    license: config.license,
    type: "module",
    engines: { node: ">=22" },
    bin: { dynae: "node/cli.js" },
    exports: Object.fromEntries(exports),
    dependencies: {
      "@webgpu/types": "^0.1.74",
      commander: versionOf("commander"),
      "fast-png": versionOf("fast-png"),
      "fzstd": versionOf("fzstd"),
      "hyparquet": versionOf("hyparquet"),
      "hyparquet-compressors": versionOf("hyparquet-compressors"),
      "smol-toml": versionOf("smol-toml"),
      "image-dimensions": versionOf("image-dimensions"),
      "hyparquet-writer": versionOf("hyparquet-writer"),
    },
  };
}

/** Makes the package; returns its folder. */
export async function buildPackage(): Promise<string> {
  await Deno.remove(out, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  const sources = await bundle({
    entryPoints: { ...ENTRIES, cli: "npm/node/cli.ts", worker: "npm/node/worker.ts" },
    outdir: `${out}/node`,
    platform: "node",
    target: "node22",
    inject: ["npm/node/deno.ts", "npm/node/threads.ts", "npm/missing.ts"],
  });
  await checkCalls(sources);
  await bundle({
    entryPoints: { ...ENTRIES, worker: "engine/cpu/worker.ts" },
    outdir: `${out}/browser`,
    platform: "browser",
    external: ["node:module"],
    target: "es2024",
    inject: ["npm/browser/deno.ts", "npm/missing.ts"],
  });
  await stop();
  await declare();
  await Deno.mkdir(`${out}/node/optdigits`);
  for await (const { name } of Deno.readDir(`${root}datasets/optdigits`)) {
    await Deno.copyFile(`${root}datasets/optdigits/${name}`, `${out}/node/optdigits/${name}`);
  }
  const cli = `${out}/node/cli.js`;
  await Deno.writeTextFile(cli, `#!/usr/bin/env node\n${await Deno.readTextFile(cli)}`);
  await Deno.writeTextFile(`${out}/package.json`, `${JSON.stringify(manifest(), null, 2)}\n`);
  await Deno.copyFile(`${root}npm/README.md`, `${out}/README.md`);
  await Deno.copyFile(`${root}LICENSE`, `${out}/LICENSE`);
  return out;
}

if (import.meta.main) console.log(await buildPackage());
