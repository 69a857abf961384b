/** Our own step in a process of its own, for what V8 is told when it starts: `dynae_step.ts STEP INPUTS THREADS TILE`. */
import { openCpuBackend } from "../../engine/cpu/backend.ts";
import type { TileChoice } from "../../engine/device.ts";
import { prepare, type StepName } from "../workload.ts";
import { serve } from "./serve.ts";

const [step, inputs, threads, tile] = Deno.args;
const backend = await openCpuBackend({
  threads: Number(threads),
  tile: tile as TileChoice,
});
const workload = await prepare(backend, step as StepName, { inputs: Number(inputs) });
await serve(
  `dynae cpu, ${backend.info.description}, tile ${backend.info.tile}`,
  (steps) => workload.run(steps),
);
