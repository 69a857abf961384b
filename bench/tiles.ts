/**
 * Times every variant of the matrix products on this machine's adapter, in turns, and writes which is
 * fastest for which shape into `kernels/tiles.json`, from which `kernels/product.ts` chooses. Run it
 * once on a new GPU; nothing is ever measured while something trains.
 *
 * Shapes: the layers of the networks that the profiles train, on one and two batches; with --grid also
 * a grid of small and large ones. The kernel's own choice stays where nothing is faster by 3 %.
 *
 * usage: deno task bench:tiles [--grid] [--rounds 5] [--seconds 0.05] [--dry]
 */
import type { Backend, Call, DeviceBuffer, DType, Executable } from "../engine/backend/backend.ts";
import { openWebGpuBackend } from "../engine/webgpu/backend.ts";
import { dense } from "../kernels/dense.ts";
import { denseInputGradient } from "../kernels/dense_input_gradient.ts";
import { denseWeightGradient } from "../kernels/dense_weight_gradient.ts";
import {
  type Adapter,
  type Constants,
  type Kernel,
  type Params,
  runsOn,
  type Shader,
  variantName,
} from "../kernels/kernel.ts";
import type { TileRow } from "../kernels/tiles.ts";
import { median } from "./measure.ts";

/** The table in the tree. */
export const TABLE = new URL("../kernels/tiles.json", import.meta.url);

/** Encoders of the published and of the thrifty profile; decoders mirror them. */
const NETWORKS = [[784, 500, 500, 2000, 10], [64, 256, 256, 512, 10]];
/** Rows of a batch, and of two that are stacked. */
const BATCHES = [256, 512];
const GRID_ROWS = [64, 1024, 8192];
const GRID_COLUMNS = [10, 128, 1024, 2048];
/** A variant must be faster than the kernel's own choice by this factor. */
const GAIN = 1.03;

/** m rows through a layer from k to n columns. */
type Layer = readonly [m: number, k: number, n: number];

/** A product: what is called on a layer, and the extents that the table goes by. */
interface Product {
  readonly kernel: Kernel;
  readonly constants: Constants;
  extents(layer: Layer): readonly [rows: number, columns: number, depth: number];
  /** Elements of the bindings. */
  lengths(layer: Layer): readonly number[];
}

const PRODUCTS: readonly Product[] = [
  {
    kernel: dense,
    constants: { ACT: 1, USE_BIAS: 1 },
    extents: ([m, k, n]) => [m, n, k],
    lengths: ([m, k, n]) => [m * k, k * n, n, m * n],
  },
  {
    kernel: denseInputGradient,
    constants: { MASK: 1 },
    extents: ([m, k, n]) => [m, k, n],
    lengths: ([m, k, n]) => [m * n, k * n, m * k, m * k],
  },
  {
    kernel: denseWeightGradient,
    constants: { BIAS: 1 },
    extents: ([m, k, n]) => [k + 1, n, m],
    lengths: ([m, k, n]) => [m * k, m * n, n, k * n],
  },
];

function layers({ grid, batches = BATCHES }: TileOptions): Layer[] {
  const found = new Map<string, Layer>();
  const add = (layer: Layer) => found.set(layer.join(), layer);
  for (const m of batches) {
    for (const sizes of NETWORKS) {
      for (let i = 1; i < sizes.length; i++) {
        add([m, sizes[i - 1], sizes[i]]);
        add([m, sizes[i], sizes[i - 1]]);
      }
    }
  }
  if (grid) {
    for (const m of GRID_ROWS) {
      for (const k of GRID_COLUMNS) for (const n of GRID_COLUMNS) add([m, k, n]);
    }
  }
  return [...found.values()];
}

/** What is timed, and how long. */
export interface TileOptions {
  /** Whether a grid of small and large shapes is timed besides. */
  readonly grid: boolean;
  /** Rows of the networks' batches; those of trainings by default. */
  readonly batches?: readonly number[];
  /** Turns of every variant. */
  readonly rounds: number;
  /** Wall time of a turn. */
  readonly seconds: number;
  /** Aborted: no further shape is begun. */
  readonly signal?: AbortSignal;
}

/** A product on a layer: its row of the table, and what it was chosen by. */
export interface TileTiming {
  /** The adapter's title. */
  readonly adapter: string;
  /** The kernel's name. */
  readonly kernel: string;
  readonly row: TileRow;
  /** The variant that the kernel takes without the table. */
  readonly own: string;
  /** Of a call, by variant. */
  readonly microseconds: Readonly<Record<string, number>>;
}

/** The adapter under test. */
interface Bench {
  readonly backend: Backend;
  readonly adapter: Adapter;
  /** For operands of any shape. */
  readonly memory: readonly DeviceBuffer[];
  /** Prepares a call by a variant. */
  prepare(call: Call, shader: Shader): Promise<Executable>;
}

/** Milliseconds a call of each variant of a product on a layer. */
async function timeVariants(
  { backend, adapter, memory, prepare }: Bench,
  product: Product,
  layer: Layer,
  { rounds, seconds }: TileOptions,
): Promise<Map<Shader, number>> {
  const { kernel, constants } = product;
  const [m, k, n] = layer;
  const regions = product.lengths(layer).map((length, i) => ({
    buffer: memory[i],
    offset: 0,
    length,
    dtype: "f32" as DType,
  }));
  const params: Params = { m, k, n, ...(kernel === dense ? { stride: k } : {}) };
  const call: Call = { kernel, constants: { ...kernel.constants, ...constants }, params, regions };
  const probe = [{ ...regions[regions.length - 1], length: 1 }];
  const contenders = [];
  for (const shader of kernel.shaders.filter((shader) => runsOn(shader, adapter))) {
    const executable = await prepare(call, shader);
    const time = async (count: number) => {
      const started = performance.now();
      executable.run(count);
      await backend.read(probe);
      return performance.now() - started;
    };
    await time(1);
    let count = 1;
    while (await time(count) < 1000 * seconds / 2 && count < 2 ** 20) count *= 2;
    contenders.push({ shader, executable, time, count, times: [] as number[] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { time, count, times } of contenders) times.push(await time(count) / count);
  }
  for (const { executable } of contenders) executable.dispose();
  return new Map(contenders.map(({ shader, times }) => [shader, median(times)]));
}

/** Times every variant on every shape. */
export async function* measureTiles(options: TileOptions): AsyncGenerator<TileTiming> {
  let forced: Shader | undefined;
  const backend = await openWebGpuBackend({ shader: () => forced! });
  const { adapter } = backend;
  const shapes = layers(options);
  const largest = Math.max(...PRODUCTS.flatMap(({ lengths }) => shapes.flatMap(lengths)));
  const bench: Bench = {
    backend,
    adapter,
    memory: Array.from({ length: 4 }, (_, i) => backend.allocate(4 * largest, `operand ${i}`)),
    prepare(call, shader) {
      forced = shader;
      return backend.prepare([call], variantName(shader));
    },
  };
  const pairs = shapes.flatMap((layer) => PRODUCTS.map((product) => [layer, product] as const));
  for (const [layer, product] of pairs) {
    if (options.signal?.aborted) break;
    const { kernel, constants } = product;
    const [m, k, n] = layer;
    const times = await timeVariants(bench, product, layer, options);
    const own = kernel.choose!({ ...adapter, title: "" }, { m, k, n }, constants);
    const [best] = [...times].reduce((a, b) => (b[1] < a[1] ? b : a));
    const chosen = times.get(own)! > GAIN * times.get(best)! ? best : own;
    yield {
      adapter: adapter.title,
      kernel: kernel.name,
      row: [...product.extents(layer), variantName(chosen)],
      own: variantName(own),
      microseconds: Object.fromEntries(
        [...times].map(([shader, ms]) => [variantName(shader), 1000 * ms]),
      ),
    };
  }
  await backend.dispose();
}

/** One line a row, so that a change is easy to read. */
function formatTiles(table: Record<string, Record<string, readonly TileRow[]>>): string {
  const indent = (text: string) => text.replaceAll("\n", "\n  ");
  const object = (entries: readonly string[]) =>
    entries.length === 0 ? "{}" : `{\n  ${entries.map(indent).join(",\n  ")}\n}`;
  const list = (lines: readonly TileRow[]) =>
    `[\n  ${lines.map((line) => JSON.stringify(line)).join(",\n  ")}\n]`;
  return object(
    Object.entries(table).map(([title, kernels]) =>
      `${JSON.stringify(title)}: ${
        object(Object.entries(kernels).map(([name, lines]) => `"${name}": ${list(lines)}`))
      }`
    ),
  ) + "\n";
}

/** The table with an adapter's rows in place of those that it has of it, as `kernels/tiles.json` holds it. */
export async function tableWith(timings: readonly TileTiming[]): Promise<string> {
  const table = JSON.parse(await Deno.readTextFile(TABLE));
  for (const [adapter, own = []] of Object.entries(Object.groupBy(timings, (one) => one.adapter))) {
    const kernels = Object.entries(Object.groupBy(own, ({ kernel }) => kernel));
    table[adapter] = Object.fromEntries(
      kernels.map(([kernel, list = []]) => [kernel, list.map(({ row }) => row)]),
    );
  }
  return formatTiles(table);
}

function option(name: string, fallback: number): number {
  const place = Deno.args.indexOf(`--${name}`);
  return place < 0 ? fallback : Number(Deno.args[place + 1]);
}

async function main(): Promise<void> {
  const timings: TileTiming[] = [];
  const measured = measureTiles({
    grid: Deno.args.includes("--grid"),
    rounds: option("rounds", 5),
    seconds: option("seconds", 0.05),
  });
  for await (const timing of measured) {
    timings.push(timing);
    const { kernel, row, microseconds } = timing;
    console.log(
      `${kernel} ${row.slice(0, 3).join("×")}: ${row[3]}   ` +
        Object.entries(microseconds).map(([name, time]) => `${name} ${time.toFixed(0)} µs`)
          .join(", "),
    );
  }
  if (!Deno.args.includes("--dry")) await Deno.writeTextFile(TABLE, await tableWith(timings));
}

if (import.meta.main) await main();
