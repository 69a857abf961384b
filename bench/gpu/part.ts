/** One part of `deno task gpu`, in a process of its own: `part.ts NAME OPTIONS`, a JSON object a line. */
import { type PartOptions, PARTS } from "./parts.ts";
import { OUT_OF_TIME } from "./schedule.ts";

const [name, text] = Deno.args;
const options: PartOptions = JSON.parse(text);
const signal = AbortSignal.timeout(1000 * options.seconds);
try {
  await PARTS.find((part) => part.name === name)!
    .run(options, (row) => console.log(JSON.stringify(row)), signal);
} catch (error) {
  if (error !== signal.reason) throw error;
  Deno.exit(OUT_OF_TIME);
}
// Devices and peers would keep the process alive.
Deno.exit(0);
