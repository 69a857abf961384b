/** The command line on Node: `npx dynae --help`. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { main } from "../../cli/main.ts";
import { nameProgram } from "../../cli/version.ts";

const [major] = process.versions.node.split(".").map(Number);
if (major < 22) {
  console.error(`error: dynae needs Node 22 or later, and this is ${process.version}`);
  process.exit(1);
}
nameProgram("npx dynae", [process.execPath, fileURLToPath(import.meta.url)]);
process.exit(await main(process.argv.slice(2)));
