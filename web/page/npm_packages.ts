/** Lets esbuild find npm packages in Deno's cache, where there is no node_modules. */
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";
import type { Plugin } from "esbuild";

/** What a package's `exports` may be. */
type Exports = string | { readonly [condition: string]: Exports };

/** Fields of package.json that name its entry. */
interface Manifest {
  readonly exports?: Exports;
  readonly browser?: unknown;
  readonly module?: string;
  readonly main?: string;
}

const CONDITIONS = ["browser", "import", "module", "default"];

/** The plugin. A page's conditions decide which file of a package it is. */
export const npmPackages: Plugin = {
  name: "npm packages",
  setup({ onResolve }) {
    onResolve({ filter: /^[^./]/ }, async ({ path, importer }) => {
      const [, name, inner] = /^((?:@[^/]+\/)?[^/]+)(?:\/(.*))?$/.exec(path)!;
      const folder = folderOf(fileOf(name, importer));
      if (inner !== undefined) return { path: `${folder}/${inner}` };
      return {
        path: `${folder}/${entryOf(JSON.parse(await Deno.readTextFile(`${folder}/package.json`)))}`,
      };
    });
  },
};

/** Some file of a package, as the importing file sees it: the project itself, or another package. */
function fileOf(name: string, importer: string): string {
  if (!importer.includes("/npm/")) return fileURLToPath(import.meta.resolve(name));
  return createRequire(importer).resolve(name);
}

/** The folder of the package.json above a file. */
function folderOf(file: string): string {
  for (let folder = file; folder !== ""; folder = folder.slice(0, folder.lastIndexOf("/"))) {
    try {
      if (Deno.statSync(`${folder}/package.json`).isFile) return folder;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory)) {
        throw error;
      }
    }
  }
  throw new Deno.errors.NotFound(`there is no package.json above ${file}`);
}

function entryOf({ exports, browser, module, main }: Manifest): string {
  if (exports !== undefined) {
    return chosen(typeof exports === "string" ? exports : exports["."] ?? exports);
  }
  return typeof browser === "string" ? browser : module ?? main ?? "index.js";
}

/** The first condition that holds in a page. */
function chosen(exports: Exports): string {
  if (typeof exports === "string") return exports;
  const condition = Object.keys(exports).find((name) => CONDITIONS.includes(name));
  if (condition === undefined) throw new Error("a package has no entry for pages");
  return chosen(exports[condition]);
}
