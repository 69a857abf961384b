/** What `run.json` and `--version` say about the program and the runtime. */
import { VERSION } from "../storage/version.ts";

/** Versions of everything that results depend on. */
export const VERSIONS = {
  dynae: VERSION,
  deno: Deno.version.deno,
  v8: Deno.version.v8,
} as const;

/** The command that starts this program, for help and for lines to copy. */
export const PROGRAM = "deno run -P cli.ts";

/** The one that may use the network, which nothing but fetching data needs. */
export const FETCHER = "deno run -P=fetch cli.ts";
