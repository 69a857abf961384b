/** One thread's part in replaying programs. */
import type { Kernel, NumberArray } from "../../kernels/kernel.ts";
import { KERNELS } from "../../kernels/registry.ts";
import type { ReplayTimes } from "../backend/backend.ts";
import { type Barrier, MOST_PASSES } from "./barrier.ts";
import { CallClock } from "./call_clock.ts";
import { GivingWay } from "./giving_way.ts";
import type { CallPlan, CrewParts, Probe, ProgramPlan, RegionPlan } from "./messages.ts";
import type { Addresses, WasmPass } from "./wasm/kernel.ts";
import { WASM_KERNELS } from "./wasm/table.ts";
import type { Tile } from "./wasm/tiles.ts";

/** A pass of a call, with everything bound that this thread needs. */
interface Instruction {
  readonly kernel: string;
  /** Where the shares of its items begin, and where the last one ends. */
  readonly bounds: readonly number[];
  /** Computes the items [begin, end). */
  readonly execute: (begin: number, end: number) => void;
}

/** A loaded program. */
interface Program {
  readonly plan: ProgramPlan;
  instructions: Instruction[];
  /** The buffer that the instructions' views look at. */
  buffer: ArrayBufferLike;
}

/**
 * Bounds of shares of `extent` items, each a fixed part of what is left, so that threads that take
 * them in turn end together even where the machine lets one of them run slower (guided
 * self-scheduling: Polychronopoulos and Kuck, IEEE Transactions on Computers 36, 1987).
 */
function guidedShares(extent: number, threads: number): number[] {
  const bounds = [0];
  for (let begin = 0; begin < extent;) {
    const left = extent - begin;
    begin += threads === 1 ? left : Math.ceil(left / (2 * threads));
    bounds.push(begin);
  }
  return bounds;
}

/** Bounds of as many shares as threads, for passes whose calls cost something by themselves. */
function equalShares(extent: number, threads: number): number[] {
  const shares = Math.min(threads, extent);
  return Array.from({ length: shares + 1 }, (_, i) => Math.floor((extent * i) / shares));
}

/** A typed-array view of a region of `buffer`. */
function viewOf(buffer: ArrayBufferLike, region: RegionPlan): Float32Array | Uint32Array {
  return region.view === "f32"
    ? new Float32Array(buffer, region.byteOffset, region.length)
    : new Uint32Array(buffer, region.byteOffset, region.length);
}

/** The WebAssembly passes of a call; undefined where its reference runs. */
function passesOf(
  { kernel, own, params, constants }: CallPlan,
  addresses: Addresses,
  tile: Tile,
): readonly WasmPass[] | undefined {
  const wasm = own ? undefined : WASM_KERNELS[kernel];
  if (!wasm?.supports(params, constants)) return undefined;
  return wasm.passes(params, constants, addresses, tile).filter(({ extent }) => extent > 0);
}

/** What runs each pass of a call: a WebAssembly function, or the kernel's reference. */
export function variantsOf(call: CallPlan, tile: Tile): string[] {
  const nowhere = { regions: call.regions.map(() => 0), shared: 0, own: 0 };
  const passes = passesOf(call, nowhere, tile);
  if (passes !== undefined) return passes.map(({ entry }) => entry);
  return (call.own ?? KERNELS[call.kernel]).extent(call.params, call.constants) > 0
    ? ["reference"]
    : [];
}

/**
 * Holds programs as instruction lists for one thread and replays them in step with the others.
 * Every thread has the same list; they take shares of each instruction in turn, and go on once all of
 * them are done. Results do not depend on who computes what.
 */
export class Executor {
  private readonly memory: WebAssembly.Memory;
  private readonly tile: Tile;
  private readonly exports: WebAssembly.Exports;
  private readonly programs = new Map<number, Program>();
  /** Of the programs that are timed, the unloaded ones too. */
  private readonly clocks = new Map<number, CallClock>();
  /** Of the crew's last thread, where there are others that go on meanwhile. */
  private readonly givingWay: GivingWay | undefined;

  /** The parts' module is what `buildModule` makes of the tile; it imports the memory. */
  constructor(
    { memory, module, tile, pageTile }: CrewParts,
    private readonly kernels: Readonly<Record<string, Kernel>>,
    private readonly barrier: Barrier,
    private readonly thread: number,
    private readonly threads: number,
  ) {
    this.memory = memory;
    this.tile = tile;
    if (threads > 1 && thread === threads - 1) this.givingWay = new GivingWay();
    const page = pageTile && new WebAssembly.Instance(pageTile, {
      env: { memory, page: new WebAssembly.Memory({ initial: 1, maximum: 1 }) },
    });
    this.exports = new WebAssembly.Instance(module, { env: { memory, ...page?.exports } }).exports;
  }

  /** Binds the program's calls for this thread. */
  load(plan: ProgramPlan): void {
    // A memory that another thread has grown shows its new size after a growth by nothing.
    if (this.memory.buffer.byteLength < plan.memoryBytes) this.memory.grow(0);
    const buffer = this.memory.buffer;
    const instructions = this.bind(plan, buffer);
    this.programs.set(plan.id, { plan, buffer, instructions });
    if (plan.timed > 0) this.clocks.set(plan.id, new CallClock(instructions.length, plan.timed));
  }

  /** Forgets the program. */
  unload(id: number): void {
    this.programs.delete(id);
  }

  /**
   * Replays the program `steps` times together with the other threads. After a failure, of any
   * thread, all leave behind the same pass, and runs are skipped until the failure is cleared.
   */
  run(id: number, steps: number): void {
    if (!this.barrier.wait()) return;
    const { instructions } = this.current(id);
    const clock = this.clocks.get(id);
    let pass = 0;
    for (let step = 0; step < steps; step++) {
      if (pass + instructions.length > MOST_PASSES) {
        if (!this.barrier.wait()) return;
        pass = 0;
      }
      const timer = clock?.begin();
      for (const instruction of instructions) {
        this.take(instruction, pass);
        timer?.worked();
        if (!this.barrier.finish(pass++)) return;
        timer?.waited();
      }
    }
  }

  /** What this thread has measured of a program that is timed. */
  times(id: number): ReplayTimes | undefined {
    return this.clocks.get(id)?.times();
  }

  /** The least seconds that all threads together take for a function of `module`. */
  probe({ module, entry, parameters, extent, rounds }: Probe): number {
    const { exports } = new WebAssembly.Instance(module, { env: { memory: this.memory } });
    const run = exports[entry] as (...args: number[]) => void;
    const [begin, end] = [0, 1].map((i) => Math.floor((extent * (this.thread + i)) / this.threads));
    let least = Infinity;
    for (let round = 0; round < rounds && this.barrier.wait(); round++) {
      const started = performance.now();
      run(...parameters, begin, end);
      if (!this.barrier.wait()) break;
      least = Math.min(least, (performance.now() - started) / 1000);
    }
    return least;
  }

  /** Computes shares of a pass until none is left. */
  private take({ kernel, bounds, execute }: Instruction, pass: number): void {
    const shares = bounds.length - 1;
    for (;;) {
      this.givingWay?.rest();
      const share = this.barrier.take(pass, shares);
      if (share < 0) return;
      try {
        execute(bounds[share], bounds[share + 1]);
      } catch (error) {
        this.barrier.fail(`${kernel}: ${(error as Error)?.message ?? error}`);
      }
      this.barrier.done(pass, shares);
    }
  }

  /** Zeroes a range. */
  fill(byteOffset: number, byteLength: number): void {
    this.refresh(byteOffset + byteLength);
    new Uint32Array(this.memory.buffer, byteOffset, byteLength / 4).fill(0);
  }

  /** Copies words to an address. */
  write(byteOffset: number, words: Uint32Array): void {
    this.refresh(byteOffset + words.byteLength);
    new Uint32Array(this.memory.buffer, byteOffset, words.length).set(words);
  }

  /** Copies of regions. */
  read(regions: readonly RegionPlan[]): (Float32Array | Uint32Array)[] {
    return regions.map((region) => {
      this.refresh(region.byteOffset + region.length * 4);
      return viewOf(this.memory.buffer, region).slice();
    });
  }

  private refresh(byteLength: number): void {
    if (this.memory.buffer.byteLength < byteLength) this.memory.grow(0);
  }

  /** The program; its views are made anew where an unshared memory has moved. */
  private current(id: number): Program {
    const program = this.programs.get(id);
    if (program === undefined) throw new RangeError(`Cannot run program ${id}: it is not loaded`);
    const buffer = this.memory.buffer;
    if (program.buffer.byteLength === 0) {
      program.instructions = this.bind(program.plan, buffer);
      program.buffer = buffer;
    }
    return program;
  }

  private bind(plan: ProgramPlan, buffer: ArrayBufferLike): Instruction[] {
    return plan.calls.flatMap((call) =>
      this.bindWasm(plan, call) ?? this.bindReference(call, buffer)
    );
  }

  private bindWasm(plan: ProgramPlan, call: CallPlan): Instruction[] | undefined {
    const passes = passesOf(call, {
      regions: call.regions.map((region) => region.byteOffset),
      shared: plan.sharedScratch,
      own: plan.privateScratch + this.thread * plan.privateStride,
    }, this.tile);
    return passes?.map((pass) => {
      const entry = this.exports[pass.entry] as (...args: number[]) => void;
      const { parameters, extent } = pass;
      return {
        kernel: call.kernel,
        bounds: guidedShares(extent, this.threads),
        execute: pass.current === undefined
          ? (begin, end) => entry(...parameters, begin, end)
          : (begin, end) => entry(...parameters, ...pass.current!(this.memory.buffer), begin, end),
      };
    });
  }

  private bindReference(call: CallPlan, buffer: ArrayBufferLike): Instruction[] {
    const kernel = call.own ?? this.kernels[call.kernel];
    const { params, constants } = call;
    const extent = kernel.extent(params, constants);
    if (extent === 0) return [];
    const views: NumberArray[] = call.regions.map((region) => viewOf(buffer, region));
    return [{
      kernel: call.kernel,
      bounds: equalShares(extent, this.threads),
      execute: (begin, end) => kernel.reference(views, params, constants, begin, end),
    }];
  }
}
