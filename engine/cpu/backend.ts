/**
 * The CPU backend: plans are replayed by worker threads over one WebAssembly memory, the hot kernels
 * as WebAssembly SIMD and the others as their references. The main thread only submits.
 */
import { KERNELS } from "../../kernels/registry.ts";
import type {
  Backend,
  Call,
  CpuInfo,
  DeviceBuffer,
  Executable,
  Profiling,
  Region,
  ReplayTimes,
  Roofline,
} from "../backend/backend.ts";
import { checkCalls, checkRegion, type OwnRegion, type Owns } from "../backend/call_check.ts";
import { BlockAllocator } from "./allocator.ts";
import { MAXIMUM_PAGES, MINIMUM_PAGES } from "./assembler.ts";
import { type Crew, startInline, startWorkers } from "./crew.ts";
import { variantsOf } from "./executor.ts";
import type { Answer, CallPlan, CrewParts, RegionPlan, Request } from "./messages.ts";
import type { MergedPairs } from "./pair_probe.ts";
import { arithmeticProbes, buildProbes, COPY_BYTES, copyProbe } from "./probes.ts";
import { auditTile } from "./tile_audit.ts";
import { chooseTile, type ChosenTile, refuseTile } from "./tile_choice.ts";
import { buildModule, supportsRelaxed } from "./wasm/module.ts";
import { buildPageTile } from "./wasm/page_tile.ts";
import { WASM_KERNELS } from "./wasm/table.ts";
import { type Tile, type TileChoice, TILES } from "./wasm/tiles.ts";

/** Options of {@linkcode openCpuBackend}. */
export interface CpuOptions {
  /** Worker threads; all of the machine's cores by default, at most 16. Results do not depend on it. */
  readonly threads?: number;
  /**
   * Uses only WebAssembly instructions whose result is the same everywhere: a multiplication and an
   * addition where `relaxed_madd` may round once. Slower; for audits.
   */
  readonly strict?: boolean;
  /** Times the passes of every replay, or of one in {@linkcode SAMPLED_REPLAYS}. */
  readonly profile?: Profiling;
  /** The tile of the matrix products, "auto" by default; see {@linkcode TileChoice}. */
  readonly tile?: TileChoice;
  /** Which pairs of vectors this process merges; measured by default, where the choice depends on it. */
  readonly pairs?: MergedPairs;
}

const PAGE = 65536;
/** Replays of which one is timed, where a sample is asked for. */
const SAMPLED_REPLAYS = 16;
/** Scratch areas are multiples of this many bytes, so that no two threads share a cache line. */
const SCRATCH_UNIT = 4096;
/**
 * Writes of at least this many bytes that wait for work under way wait in blocks that are used again:
 * copies that a thread is given are freed only when it next collects its garbage.
 */
const STAGED_BYTES = 2 ** 20;
/** Blocks that are kept for the next write. */
const MOST_STAGING = 2;
/** Most threads that are used unasked: beyond it, barriers and memory bandwidth win nothing. */
const DEFAULT_THREADS = 16;

/**
 * Opens the CPU backend. Workers find kernels by their names in the registry; a program with any other
 * kernel runs on the calling thread alone, in turn with the workers.
 *
 * @throws {RangeError} if `threads` is not a whole number from 1 to 256, or for an unknown tile.
 */
export async function openCpuBackend(
  options: CpuOptions = {},
): Promise<Backend & { readonly info: CpuInfo }> {
  const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
  const threads = options.threads ?? Math.min(cores, DEFAULT_THREADS);
  if (!Number.isInteger(threads) || threads < 1 || threads > 256) {
    throw new RangeError(`Cannot open the CPU backend: threads must be 1 to 256, not ${threads}`);
  }
  const chosen = await chooseTile(options.tile, options.pairs);
  const { tile, pairs = "none" } = chosen;
  const backend = await openWithTile(threads, options, chosen);
  if (tile !== "6x16") return backend;
  const reference = await openWithTile(1, options, { tile: "6x8" });
  const fault = await auditTile(backend, reference);
  await reference.dispose();
  if (fault === undefined) return backend;
  await backend.dispose();
  return await openWithTile(threads, options, await refuseTile(tile, pairs, fault));
}

/** Opens it with this tile. */
async function openWithTile(
  threads: number,
  { strict, profile = false }: CpuOptions,
  chosen: ChosenTile,
): Promise<CpuBackend> {
  const tile = TILES[chosen.tile];
  const relaxed = !strict && supportsRelaxed();
  let obstacle = typeof SharedArrayBuffer === "undefined" ? "no SharedArrayBuffer" : undefined;
  if (obstacle === undefined) {
    try {
      const parts = await makeParts(true, relaxed, tile);
      const crew = await startWorkers(parts, threads);
      return new CpuBackend(parts.memory, crew, { shared: true, relaxed, profile, tile }, chosen);
    } catch (error) {
      obstacle = (error as Error).message;
    }
  }
  const parts = await makeParts(false, relaxed, tile);
  const modes = { shared: false, relaxed, profile, tile };
  const inline = { ...chosen, withoutWorkers: obstacle };
  return new CpuBackend(parts.memory, startInline(parts), modes, inline);
}

/** The memory and the compiled kernels. */
async function makeParts(shared: boolean, relaxed: boolean, tile: Tile): Promise<CrewParts> {
  const memory = new WebAssembly.Memory({ initial: MINIMUM_PAGES, maximum: MAXIMUM_PAGES, shared });
  const modes = { shared, relaxed };
  const module = await WebAssembly.compile(buildModule(modes, tile));
  const pageTile = tile.checked ? await WebAssembly.compile(buildPageTile(modes, tile)) : undefined;
  return { memory, module, tile, pageTile };
}

/** A request that thread 0 answers, before it has its ticket. */
type Ticketed = Request extends infer R ? R extends { ticket: number } ? Omit<R, "ticket"> : never
  : never;

/** How a backend works. */
interface Modes {
  /** Whether workers share the memory. */
  readonly shared: boolean;
  /** Whether relaxed SIMD is used. */
  readonly relaxed: boolean;
  /** Whose passes are timed. */
  readonly profile: Profiling;
  /** The tile of the products. */
  readonly tile: Tile;
}

/** A block of the memory. */
class CpuBuffer implements DeviceBuffer {
  freed = false;

  constructor(
    readonly owner: CpuBackend,
    readonly byteOffset: number,
    readonly byteLength: number,
    readonly label: string,
  ) {}

  free(): void {
    if (this.freed) return;
    this.freed = true;
    this.owner.release(this);
  }
}

class CpuBackend implements Backend {
  readonly info: CpuInfo;
  readonly maxRegionBytes = MAXIMUM_PAGES * PAGE;
  private readonly blocks = new BlockAllocator(0, MAXIMUM_PAGES * PAGE);
  /** Requests that thread 0 has not answered, by ticket, oldest first. */
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  /** Blocks that no write waits in. */
  private readonly staging: SharedArrayBuffer[] = [];
  private readonly owns: Owns<CpuBuffer> = (buffer): buffer is CpuBuffer =>
    buffer instanceof CpuBuffer && buffer.owner === this;
  private tickets = 0;
  private programs = 0;
  /** Bytes from which on no block has ever lain, so that they are still zero. */
  private untouched = 0;
  private bytes = 0;
  private peakBytes = 0;
  private buffers = 0;
  private closed: string | undefined;

  constructor(
    private readonly wasmMemory: WebAssembly.Memory,
    private readonly crew: Crew,
    private readonly modes: Modes,
    details: ChosenTile & { readonly withoutWorkers?: string },
  ) {
    const { relaxed, shared } = modes;
    crew.onAnswer = (answer) => {
      const settle = this.waiting.get(answer.ticket);
      this.waiting.delete(answer.ticket);
      settle?.(answer);
    };
    crew.onLoss = (reason) => this.close(`a thread was lost: ${reason}`);
    const threads = crew.threads;
    const place = shared ? (threads === 1 ? "1 thread" : `${threads} threads`) : "no workers";
    this.info = {
      kind: "cpu",
      description: `WebAssembly SIMD (${relaxed ? "relaxed" : "strict"}), ${place}`,
      threads,
      relaxed,
      shared,
      wasm: Object.keys(WASM_KERNELS),
      ...details,
    };
  }

  allocate(byteLength: number, label: string): CpuBuffer {
    this.assertOpen();
    if (!Number.isInteger(byteLength) || byteLength < 0) {
      throw new RangeError(`Cannot allocate ${label}: ${byteLength} is not a number of bytes`);
    }
    const size = Math.ceil(byteLength / 4) * 4;
    const byteOffset = this.blocks.allocate(size);
    if (byteOffset === undefined) {
      throw new RangeError(
        `Cannot allocate ${label}: ${byteLength} bytes do not fit beside the ${this.bytes} held; ` +
          `the CPU backend addresses 4 GiB`,
      );
    }
    const end = byteOffset + size;
    try {
      this.grow(end);
    } catch (cause) {
      this.blocks.free(byteOffset, size);
      throw new RangeError(
        `Cannot allocate ${label}: the system refuses ${byteLength} bytes beside the ` +
          `${this.bytes} held`,
        { cause },
      );
    }
    this.zero(byteOffset, Math.min(end, this.untouched) - byteOffset);
    this.untouched = Math.max(this.untouched, end);
    this.bytes += byteLength;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    this.buffers++;
    return new CpuBuffer(this, byteOffset, byteLength, label);
  }

  /** Takes a freed buffer's memory back. Reuse is ordered behind everything enqueued. */
  release(buffer: CpuBuffer): void {
    this.blocks.free(buffer.byteOffset, Math.ceil(buffer.byteLength / 4) * 4);
    this.bytes -= buffer.byteLength;
    this.buffers--;
  }

  write(region: Region, data: Float32Array | Uint32Array): void {
    this.assertOpen();
    const what = `write to ${region.buffer.label}`;
    const { byteOffset } = placeOf(checkRegion(region, this.owns, what));
    if (data.length !== region.length) {
      throw new RangeError(
        `Cannot write ${region.buffer.label}: the region has ${region.length} elements, ` +
          `the data ${data.length}`,
      );
    }
    // Moved as words, so that no NaN changes its bits.
    const words = new Uint32Array(data.buffer, data.byteOffset, data.length);
    if (this.waiting.size === 0) {
      new Uint32Array(this.wasmMemory.buffer, byteOffset, words.length).set(words);
      return;
    }
    if (words.byteLength < STAGED_BYTES || !this.modes.shared) {
      const copy = words.slice();
      this.submit({ kind: "write", byteOffset, words: copy }, [copy.buffer]);
      return;
    }
    const staging = this.staging.pop();
    const fits = staging !== undefined && staging.byteLength >= words.byteLength;
    const block = fits ? staging : new SharedArrayBuffer(words.byteLength);
    const copy = new Uint32Array(block, 0, words.length);
    copy.set(words);
    this.submit({ kind: "write", byteOffset, words: copy }).then(() => {
      if (this.staging.length < MOST_STAGING) this.staging.push(block);
    });
  }

  async read(regions: readonly Region[]): Promise<(Float32Array | Uint32Array)[]> {
    this.assertOpen();
    const plans = regions.map((region) =>
      placeOf(checkRegion(region, this.owns, `read of ${region.buffer.label}`))
    );
    const answer = await this.submit({ kind: "read", regions: plans });
    if (answer.failure !== undefined) throw new Error(answer.failure);
    return answer.arrays!;
  }

  // deno-lint-ignore require-await
  async prepare(calls: readonly Call[], label: string): Promise<Executable> {
    this.assertOpen();
    const scratch = { shared: 0, own: 0 };
    const checked = checkCalls(calls, this.owns, label);
    const plans = checked.map(({ kernel, params, constants, regions }): CallPlan => {
      const { name, bindings } = kernel;
      const own = KERNELS[name] === kernel ? undefined : kernel;
      const wasm = own ? undefined : WASM_KERNELS[name];
      if (wasm?.supports(params, constants)) {
        const { shared, own } = wasm.scratch(params, constants, this.modes.tile);
        scratch.shared = Math.max(scratch.shared, shared);
        scratch.own = Math.max(scratch.own, own);
      }
      return {
        kernel: name,
        params,
        constants,
        regions: regions.map((region, i): RegionPlan => {
          const place = placeOf(region);
          // Words are moved as integers: a copy as floats may change the bits of a NaN.
          return bindings[i].type === "word" ? { ...place, view: "u32" } : place;
        }),
        ...(own ? { own } : {}),
      };
    });
    const privateStride = Math.ceil(scratch.own / SCRATCH_UNIT) * SCRATCH_UNIT;
    const sharedBytes = Math.ceil(scratch.shared / SCRATCH_UNIT) * SCRATCH_UNIT;
    const scratchBytes = sharedBytes + privateStride * this.crew.threads;
    const buffer = scratchBytes > 0
      ? this.allocate(scratchBytes, `scratch of ${label}`)
      : undefined;
    const base = buffer?.byteOffset ?? 0;
    const id = this.programs++;
    const { profile } = this.modes;
    this.crew.submit({
      kind: "load",
      plan: {
        id,
        calls: plans,
        sharedScratch: base,
        privateScratch: base + sharedBytes,
        privateStride,
        memoryBytes: this.wasmMemory.buffer.byteLength,
        timed: profile === "sample" ? SAMPLED_REPLAYS : Number(profile),
      },
    });
    let disposed = false;
    return {
      passes: plans.flatMap((plan, call) =>
        variantsOf(plan, this.modes.tile).map((variant) => ({ call, variant }))
      ),
      ...(profile ? { times: () => this.times(id) } : {}),
      run: (steps) => {
        this.assertOpen();
        if (disposed) throw new TypeError(`Cannot run ${label}: it is disposed`);
        if (!Number.isInteger(steps) || steps < 0) {
          throw new RangeError(`Cannot run ${label}: ${steps} is not a number of steps`);
        }
        if (steps > 0) this.submit({ kind: "run", id, steps });
      },
      dispose: () => {
        if (disposed) return;
        disposed = true;
        buffer?.free();
        if (this.closed === undefined) this.crew.submit({ kind: "unload", id });
      },
    };
  }

  /** Measures multiply-adds on registers and a copy of {@linkcode COPY_BYTES}, on all threads. */
  async roofline(): Promise<Roofline> {
    this.assertOpen();
    const module = await WebAssembly.compile(buildProbes(this.modes));
    const { threads } = this.crew;
    const memory = this.allocate(2 * COPY_BYTES, "roofline");
    try {
      const rate = async ({ amount, ...probe }: ReturnType<typeof copyProbe>) => {
        const request = { kind: "probe", probe: { ...probe, module } } as const;
        const { seconds, failure } = await this.submit(request);
        if (failure !== undefined) throw new Error(failure);
        return amount / seconds!;
      };
      let flops = 0;
      for (const probe of arithmeticProbes(memory.byteOffset, threads)) {
        flops = Math.max(flops, await rate(probe));
      }
      return { flops, bytes: await rate(copyProbe(memory.byteOffset)) };
    } finally {
      memory.free();
    }
  }

  memory() {
    return { bytes: this.bytes, peakBytes: this.peakBytes, buffers: this.buffers };
  }

  // deno-lint-ignore require-await
  async dispose(): Promise<void> {
    if (this.closed === undefined) this.close("it is disposed");
  }

  private async times(id: number): Promise<ReplayTimes> {
    this.assertOpen();
    const { times, failure } = await this.submit({ kind: "times", id });
    if (times === undefined) throw new Error(failure);
    return times;
  }

  /** Stops the threads; whoever waits is told why. */
  private close(reason: string): void {
    this.closed ??= reason;
    this.crew.stop();
    const failure = `The CPU backend has stopped: ${this.closed}`;
    for (const [ticket, settle] of this.waiting) settle({ ticket, failure });
    this.waiting.clear();
  }

  private assertOpen(): void {
    if (this.closed !== undefined) {
      throw new TypeError(`The CPU backend has stopped: ${this.closed}`);
    }
  }

  /** Enqueues a request; the promise settles with its answer and never rejects. */
  private submit(request: Ticketed, transfer?: ArrayBuffer[]): Promise<Answer> {
    const ticket = this.tickets++;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.waiting.set(ticket, resolve);
    this.crew.submit({ ...request, ticket }, transfer);
    return promise;
  }

  /** Makes the memory reach `byteLength`. */
  private grow(byteLength: number): void {
    const missing = byteLength - this.wasmMemory.buffer.byteLength;
    if (missing > 0) this.wasmMemory.grow(Math.ceil(missing / PAGE));
  }

  /** Zeroes a range, behind everything enqueued. */
  private zero(byteOffset: number, byteLength: number): void {
    if (byteLength <= 0) return;
    if (this.waiting.size > 0) this.submit({ kind: "fill", byteOffset, byteLength });
    else new Uint8Array(this.wasmMemory.buffer, byteOffset, byteLength).fill(0);
  }
}

/** The address range of a region. */
function placeOf({ buffer, offset, length, dtype }: OwnRegion<CpuBuffer>): RegionPlan {
  return { byteOffset: buffer.byteOffset + offset * 4, length, view: dtype };
}
