/** The command line on Node: `npx dynae --help`. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "../../cli/main.ts";
import { nameProgram } from "../../cli/version.ts";

nameProgram("npx dynae", [process.execPath, fileURLToPath(import.meta.url)]);
process.exit(await main(process.argv.slice(2)));
