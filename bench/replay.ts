/**
 * What a replay costs the host on WebGPU: encoding and submitting one step, execution excluded. Every
 * dispatch asks for no workgroups, so that the device has nothing to do, the device is idle before each
 * measurement, and nobody asks whether it is done, which in Deno means to wait for it. A software adapter is taken for a GPU, so that submits hold as many steps as there.
 * Prints the dispatches of a step and µs a step.
 *
 * usage: deno task bench:replay [--rounds 40] [--steps 10]
 */
import { openDevice } from "../engine/device.ts";
import { median } from "./measure.ts";
import { prepare, type StepName, STEPS } from "./workload.ts";

const INPUTS = 784;

/** From here on, every adapter counts as a GPU. */
function takeForHardware(): void {
  Object.defineProperties(GPUAdapterInfo.prototype, {
    description: { value: "taken for a GPU" },
    isFallbackAdapter: { value: false },
  });
}

/** From here on, whatever is dispatched on WebGPU is of no workgroups, and counts as done. */
function dispatchNothing(): void {
  const { prototype } = GPUComputePassEncoder;
  const { dispatchWorkgroups } = prototype;
  prototype.dispatchWorkgroups = function () {
    dispatchWorkgroups.call(this, 0);
  };
  GPUQueue.prototype.onSubmittedWorkDone = () => Promise.resolve(undefined);
}

/** What a step costs the host. */
export interface ReplayRow {
  readonly step: StepName;
  /** Kernel calls of a step. */
  readonly dispatches: number;
  /** Of a step, over the rounds. */
  readonly medianMicroseconds: number;
  /** Of a step. */
  readonly bestMicroseconds: number;
}

/** Measures every step; afterwards the process can compute nothing on WebGPU any more. */
export async function* measureReplay(rounds: number, steps: number): AsyncGenerator<ReplayRow> {
  takeForHardware();
  const backend = await openDevice({ device: "webgpu" });
  dispatchNothing();
  for (const name of Object.keys(STEPS) as StepName[]) {
    const { program, run, dispose } = await prepare(backend, name, { inputs: INPUTS });
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await run(1);
      const started = performance.now();
      program.run(steps);
      times.push(1000 * (performance.now() - started) / steps);
    }
    dispose();
    yield {
      step: name,
      dispatches: program.plan.calls.length,
      medianMicroseconds: median(times),
      bestMicroseconds: Math.min(...times),
    };
  }
  await backend.dispose();
}

function option(name: string, fallback: number): number {
  const place = Deno.args.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(Deno.args[place + 1]);
}

async function main(): Promise<void> {
  const rounds = option("rounds", 40);
  const steps = option("steps", 10);
  console.log(`encode and submit, ${rounds} rounds of ${steps} steps`);
  for await (const row of measureReplay(rounds, steps)) {
    console.log(
      `${row.step.padEnd(12)} ${row.dispatches.toString().padStart(3)} dispatches a step` +
        `   median ${row.medianMicroseconds.toFixed(0).padStart(4)} µs   best ${
          row.bestMicroseconds.toFixed(0).padStart(4)
        } µs`,
    );
  }
}

if (import.meta.main) await main();
