/**
 * The command line where it is installed: `deno install --global --allow-all dynae.ts` makes the command
 * `dynae`.
 * @module
 */
import { main } from "./cli/main.ts";
import { nameProgram } from "./cli/version.ts";

if (import.meta.main) {
  nameProgram("dynae", [Deno.execPath(), "run", "--allow-all", import.meta.url]);
  Deno.exit(await main(Deno.args));
}
