/**
 * Builds the page: all of its files, in memory; as a program, into web/page/dist, which any server of
 * static files can serve from any path.
 *
 * usage: deno task page:build
 */
import { fileURLToPath } from "node:url";
import { build, type BuildOptions, stop } from "esbuild";
import { texts, workerUrl } from "../build.ts";
import { npmPackages } from "./npm_packages.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Files of a site by their paths. */
export type Site = ReadonlyMap<string, Uint8Array>;

/** Builds all files. */
export async function buildPage(): Promise<Site> {
  const shared: BuildOptions = {
    outdir: `${root}web/page/dist`,
    absWorkingDir: root,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    write: false,
    external: ["node:module"],
    loader: { ".wgsl": "text" },
    plugins: [texts, npmPackages, workerUrl],
    logLevel: "warning",
  };
  try {
    const site = new Map(
      await outputsOf({
        ...shared,
        splitting: true,
        entryPoints: {
          page: "web/page/main.ts",
          engine: "web/page/engine/main.ts",
          audit: "web/page/engine/audit.ts",
          worker: "engine/cpu/worker.ts",
        },
      }),
    );
    const styles = { ...shared, entryPoints: ["web/page/page.css"] };
    for (const [path, bytes] of await outputsOf(styles)) site.set(path, bytes);
    site.set("index.html", await Deno.readFile(`${root}web/page/index.html`));
    const digits = `${root}datasets/optdigits`;
    for await (const { name } of Deno.readDir(digits)) {
      if (name.endsWith(".gz")) {
        site.set(`optdigits/${name}`, await Deno.readFile(`${digits}/${name}`));
      }
    }
    const worker = {
      ...shared,
      entryPoints: ["web/page/service_worker.ts"],
      define: {
        FILES: JSON.stringify([...site.keys()]),
        DIGEST: JSON.stringify(await digestOf(site)),
      },
    };
    for (const [path, bytes] of await outputsOf(worker)) site.set(path, bytes);
    return site;
  } finally {
    await stop();
  }
}

async function outputsOf(options: BuildOptions): Promise<[path: string, bytes: Uint8Array][]> {
  const { outputFiles = [] } = await build(options);
  return outputFiles.map(({ path, contents }) => [
    path.slice(`${options.outdir}/`.length),
    contents,
  ]);
}

/** Changes with any byte of the site. */
async function digestOf(site: Site): Promise<string> {
  const bytes = await new Blob([...site].flat() as BlobPart[]).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.toHex().slice(0, 16);
}

if (import.meta.main) {
  const folder = `${root}web/page/dist`;
  await Deno.remove(folder, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  let total = 0;
  for (const [path, bytes] of await buildPage()) {
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${folder}/${path}`, bytes);
    total += bytes.length;
  }
  console.log(`${folder}: ${total} bytes`);
}
