/**
 * Bundles engine and methods for a browser page into web/dist: `dynae.js`, its lazily loaded parts, and
 * `worker.js`, which the CPU backend's threads run. Serve the folder; with the headers
 * `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy: require-corp` the CPU
 * backend uses all cores, without them one thread.
 *
 * usage: deno task web:build
 */
import { fileURLToPath } from "node:url";
import { build, type Plugin, stop } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The worker is a bundle of its own, beside the one that starts it. */
export const workerUrl: Plugin = {
  name: "worker URL",
  setup({ onLoad }) {
    onLoad({ filter: /engine\/cpu\/crew\.ts$/ }, async ({ path }) => ({
      contents: (await Deno.readTextFile(path)).replaceAll("./worker.ts", "./worker.js"),
      loader: "ts",
    }));
  },
};

/** Files that are imported as text go into the bundles, those of packages too. */
export const texts: Plugin = {
  name: "texts",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /./ }, ({ path, resolveDir, with: { type } }) => {
      if (type !== "text") return undefined;
      const isOwn = path.startsWith(".");
      return { path: isOwn ? `${resolveDir}/${path}` : path, namespace: "text" };
    });
    onLoad({ filter: /./, namespace: "text" }, async ({ path }) => ({
      contents: path.startsWith("/")
        ? await Deno.readTextFile(path)
        : (await import(path, { with: { type: "text" } })).default,
      loader: "text",
    }));
  },
};

/** Writes the bundles; returns their folder. */
export async function bundle(): Promise<string> {
  const outdir = `${root}web/dist`;
  await build({
    entryPoints: { dynae: `${root}web/mod.ts`, worker: `${root}engine/cpu/worker.ts` },
    outdir,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2024",
    loader: { ".wgsl": "text" },
    plugins: [workerUrl],
    logLevel: "warning",
  });
  await stop();
  return outdir;
}

if (import.meta.main) console.log(await bundle());
