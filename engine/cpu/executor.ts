/** One thread's part in replaying programs. */
import type { Kernel, NumberArray } from "../../kernels/kernel.ts";
import type { Barrier } from "./barrier.ts";
import type { CallPlan, ProgramPlan, RegionPlan } from "./messages.ts";
import { WASM_KERNELS } from "./wasm/table.ts";

/** A pass of a call, with everything bound that this thread needs; null where it has no items. */
interface Instruction {
  readonly kernel: string;
  readonly execute: (() => void) | null;
}

/** A loaded program. */
interface Program {
  readonly plan: ProgramPlan;
  instructions: Instruction[];
  /** The buffer that the instructions' views look at. */
  buffer: ArrayBufferLike;
}

/** Items [begin, end) of `extent` that `thread` of `threads` takes. */
function slice(extent: number, thread: number, threads: number): [begin: number, end: number] {
  return [
    Math.floor((extent * thread) / threads),
    Math.floor((extent * (thread + 1)) / threads),
  ];
}

/** A typed-array view of a region of `buffer`. */
function viewOf(buffer: ArrayBufferLike, region: RegionPlan): Float32Array | Uint32Array {
  return region.view === "f32"
    ? new Float32Array(buffer, region.byteOffset, region.length)
    : new Uint32Array(buffer, region.byteOffset, region.length);
}

/**
 * Holds programs as instruction lists for one thread and replays them in step with the others.
 * Every thread has the same list with the same number of instructions and works on its slice of
 * each; a barrier follows each instruction.
 */
export class Executor {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: WebAssembly.Exports;
  readonly #kernels: Readonly<Record<string, Kernel>>;
  readonly #barrier: Barrier;
  readonly #thread: number;
  readonly #threads: number;
  readonly #programs = new Map<number, Program>();

  /** `module` is what `buildModule` makes; it imports `memory`. */
  constructor(
    memory: WebAssembly.Memory,
    module: WebAssembly.Module,
    kernels: Readonly<Record<string, Kernel>>,
    barrier: Barrier,
    thread: number,
    threads: number,
  ) {
    this.#memory = memory;
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports;
    this.#kernels = kernels;
    this.#barrier = barrier;
    this.#thread = thread;
    this.#threads = threads;
  }

  /** Binds the program's calls to this thread's slices. */
  load(plan: ProgramPlan): void {
    // A memory that another thread has grown shows its new size after a growth by nothing.
    if (this.#memory.buffer.byteLength < plan.memoryBytes) this.#memory.grow(0);
    const buffer = this.#memory.buffer;
    this.#programs.set(plan.id, { plan, buffer, instructions: this.#bind(plan, buffer) });
  }

  /** Forgets the program. */
  unload(id: number): void {
    this.#programs.delete(id);
  }

  /**
   * Replays the program `steps` times together with the other threads. After a failure, of any
   * thread, all leave at the same barrier, and runs are skipped until the failure is cleared.
   */
  run(id: number, steps: number): void {
    if (!this.#barrier.wait()) return;
    const { instructions } = this.#current(id);
    for (let step = 0; step < steps; step++) {
      for (const instruction of instructions) {
        if (instruction.execute !== null) {
          try {
            instruction.execute();
          } catch (error) {
            this.#barrier.fail(`${instruction.kernel}: ${(error as Error)?.message ?? error}`);
          }
        }
        if (!this.#barrier.wait()) return;
      }
    }
  }

  /** Zeroes a range. */
  fill(byteOffset: number, byteLength: number): void {
    this.#refresh(byteOffset + byteLength);
    new Uint32Array(this.#memory.buffer, byteOffset, byteLength / 4).fill(0);
  }

  /** Copies words to an address. */
  write(byteOffset: number, words: Uint32Array): void {
    this.#refresh(byteOffset + words.byteLength);
    new Uint32Array(this.#memory.buffer, byteOffset, words.length).set(words);
  }

  /** Copies of regions. */
  read(regions: readonly RegionPlan[]): (Float32Array | Uint32Array)[] {
    return regions.map((region) => {
      this.#refresh(region.byteOffset + region.length * 4);
      return viewOf(this.#memory.buffer, region).slice();
    });
  }

  #refresh(byteLength: number): void {
    if (this.#memory.buffer.byteLength < byteLength) this.#memory.grow(0);
  }

  /** The program; its views are made anew where an unshared memory has moved. */
  #current(id: number): Program {
    const program = this.#programs.get(id);
    if (program === undefined) throw new RangeError(`Cannot run program ${id}: it is not loaded`);
    const buffer = this.#memory.buffer;
    if (program.buffer.byteLength === 0) {
      program.instructions = this.#bind(program.plan, buffer);
      program.buffer = buffer;
    }
    return program;
  }

  #bind(plan: ProgramPlan, buffer: ArrayBufferLike): Instruction[] {
    return plan.calls.flatMap((call) =>
      this.#bindWasm(plan, call) ?? this.#bindReference(call, buffer)
    );
  }

  #bindWasm(plan: ProgramPlan, call: CallPlan): Instruction[] | undefined {
    const wasm = WASM_KERNELS[call.kernel];
    if (!wasm?.supports(call.params, call.constants)) return undefined;
    const phases = wasm.phases(call.params, call.constants, {
      regions: call.regions.map((region) => region.byteOffset),
      shared: plan.sharedScratch,
      own: plan.privateScratch + this.#thread * plan.privateStride,
    });
    return phases.filter((phase) => phase.extent > 0).map((phase) => {
      const [begin, end] = slice(phase.extent, this.#thread, this.#threads);
      const entry = this.#exports[phase.entry] as (...args: number[]) => void;
      const { parameters } = phase;
      const execute = phase.current === undefined
        ? () => entry(...parameters, begin, end)
        : () => entry(...parameters, ...phase.current!(this.#memory.buffer), begin, end);
      return { kernel: call.kernel, execute: begin < end ? execute : null };
    });
  }

  #bindReference(call: CallPlan, buffer: ArrayBufferLike): Instruction[] {
    const kernel = this.#kernels[call.kernel];
    const { params, constants } = call;
    const extent = kernel.extent(params, constants);
    if (extent === 0) return [];
    const [begin, end] = slice(extent, this.#thread, this.#threads);
    const views: NumberArray[] = call.regions.map((region) => viewOf(buffer, region));
    const execute = () => kernel.reference(views, params, constants, begin, end);
    return [{ kernel: call.kernel, execute: begin < end ? execute : null }];
  }
}
