/** What `run.json` and `--version` say about the program and the runtime, and how it is started. */
import process from "node:process";
import { VERSION } from "../storage/version.ts";

const { deno, node, v8 } = process.versions;

/** Versions of everything that results depend on. */
export const VERSIONS: Readonly<Record<string, string>> = {
  dynae: VERSION,
  ...(deno === undefined ? { node } : { deno }),
  v8,
};

/** The runtime, for people. */
export const RUNTIME: string = deno === undefined ? `Node ${node}` : `Deno ${deno}`;

/** The command that starts this program, for help and for lines to copy. */
export let PROGRAM = "deno run -P cli.ts";

/** The one that may use the network, which nothing but fetching data needs. */
export let FETCHER = "deno run -P=fetch cli.ts";

/** The words that start it from anywhere, so that it may write into a folder and nowhere else. */
export let startingWords = (folder: string): readonly string[] => [
  ...[Deno.execPath(), "run", "-P"],
  // The flag has no way to say a comma.
  folder.includes(",") ? "--allow-write" : `--allow-write=${folder}`,
  new URL("../cli.ts", import.meta.url).href,
];

/** Says that the program was started otherwise. @param words See {@linkcode startingWords}. */
export function nameProgram(name: string, words: readonly string[]): void {
  PROGRAM = name;
  FETCHER = name;
  startingWords = () => words;
}
