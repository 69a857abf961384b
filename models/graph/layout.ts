/**
 * UMAP's layout of a graph in few dimensions (McInnes, Healy and Melville, arXiv 1802.03426, section
 * 3.2): rows that an edge joins attract each other, and each is repelled by some drawn at random. All
 * rows move at once, by where the others stood before, so that no order or number of threads matters.
 */
import { layoutEpoch, layoutRate } from "../../kernels/layout_epoch.ts";
import { UNARY, unary } from "../../kernels/unary.ts";
import type { Backend } from "../../engine/backend/backend.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { advance } from "../../engine/ops/counter.ts";
import { trace } from "../../engine/planner/program.ts";
import { checkSeed, RandomStream, STREAM } from "../../engine/random.ts";
import { State } from "../../engine/state/state.ts";
import type { Edges } from "./edges.ts";
import { slowestVectors } from "./spectral.ts";

/** Options of {@linkcode layoutOf}. */
export interface LayoutOptions {
  /** m. Default 2. */
  readonly dimensions?: number;
  /** Default: 500 up to 10,000 rows, 200 above; the method's code. */
  readonly epochs?: number;
  /** Rows that repel, for each edge that attracts. Default 5. */
  readonly negativeSamples?: number;
  /** Distance within which rows attract each other fully. Default 0, which suits clustering. */
  readonly minDistance?: number;
  /** 32 bits. Default 0. */
  readonly seed?: number;
  /** Aborting rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many of the epochs are done: before the first, and from time to time. */
  readonly onEpochs?: (done: number, epochs: number) => void;
  /** Where the rows begin, [n, m]; default: {@linkcode spectralStart} of the graph. */
  readonly start?: Float32Array;
}

/** Side of the box that the start is scaled to, and of the noise that is added to it. */
const BOX = 10;
const NOISE = 1e-3;
/** Moves of a row between two looks at the signal. */
const MOVES_PER_LOOK = 2 ** 20;

/**
 * Places the rows of a symmetric graph.
 * @returns [n, m] row-major.
 * @throws {RangeError} for an option that is out of range.
 */
export async function layoutOf(
  backend: Backend,
  edges: Edges,
  options: LayoutOptions = {},
): Promise<Float32Array> {
  const n = edges.first.length - 1;
  const settings = {
    dimensions: 2,
    epochs: n <= 10_000 ? 500 : 200,
    negativeSamples: 5,
    minDistance: 0,
    seed: 0,
    ...options,
  };
  checkOptions(settings);
  const { dimensions: m, epochs, negativeSamples: negatives, seed, signal, onEpochs } = settings;
  const start = options.start ?? spectralStart(edges, m, seed);
  if (start.length !== n * m) {
    throw new RangeError(
      `layout: the start of ${n} rows in ${m} dimensions has ${n * m} values, got ${start.length}`,
    );
  }
  const acting = actingEdges(edges, epochs);
  using memory = new State(backend);
  const scratch = (name: string, data: Uint32Array | Float32Array, shape = [data.length]) =>
    memory.variable(`layout's ${name}`, shape, {
      dtype: data instanceof Float32Array ? "f32" : "u32",
      data,
      saved: false,
    });
  const epoch = scratch("epoch", new Uint32Array(1));
  const graph = [
    scratch("first edges", acting.first),
    scratch("columns", acting.rows),
    scratch("rates", acting.rates),
  ];
  const positions = scratch("positions", start, [n, m]);
  const moved = scratch("moved positions", start, [n, m]);
  const { a, b } = curveOf(settings.minDistance);
  const sizes = { n, m, edges: acting.rows.length, epochs, negatives, seed, stream: STREAM.layout };
  using program = await trace(backend, () => {
    callKernel(layoutEpoch, { ...sizes, a, b }, [epoch, ...graph, positions, moved]);
    callKernel(unary, { n: n * m, a: 1, b: 0 }, [moved, positions], { OP: UNARY.copy });
    advance(epoch);
    return {};
  }, "layout");
  const slice = Math.max(1, Math.floor(MOVES_PER_LOOK / n));
  for (let done = 0; done < epochs; done += slice) {
    signal?.throwIfAborted();
    onEpochs?.(done, epochs);
    program.run(Math.min(slice, epochs - done));
    await epoch.read();
  }
  onEpochs?.(epochs, epochs);
  return Float32Array.from(await positions.read());
}

function checkOptions(
  options: Required<Omit<LayoutOptions, "signal" | "start" | "onEpochs">>,
): void {
  checkSeed(options.seed);
  const least = { dimensions: 1, epochs: 1, negativeSamples: 0 };
  for (const [name, low] of Object.entries(least) as [keyof typeof least, number][]) {
    if (Number.isInteger(options[name]) && options[name] >= low) continue;
    throw new RangeError(`layout: ${name} must be an integer ≥ ${low}, got ${options[name]}`);
  }
  if (options.minDistance >= 0 && options.minDistance < 3) return;
  throw new RangeError(`layout: minDistance must be from 0 to below 3, got ${options.minDistance}`);
}

/** The edges that act in some epoch, and their rates by their weights as shares of the largest. */
function actingEdges({ first, rows, weights }: Edges, epochs: number) {
  let largest = 0;
  for (let e = 0; e < weights.length; e++) largest = Math.max(largest, weights[e]);
  const begins = new Uint32Array(first.length);
  const acting = { rows: new Uint32Array(rows.length), rates: new Uint32Array(rows.length) };
  let count = 0;
  for (let i = 0; i + 1 < first.length; i++) {
    for (let e = first[i]; e < first[i + 1]; e++) {
      const weight = weights[e] / largest;
      if (!(weight >= 1 / epochs)) continue;
      acting.rows[count] = rows[e];
      acting.rates[count] = layoutRate(weight);
      count++;
    }
    begins[i + 1] = count;
  }
  return {
    first: begins,
    rows: acting.rows.subarray(0, count),
    rates: acting.rates.subarray(0, count),
  };
}

/**
 * Where a layout begins: the graph's slowest vectors, each stretched to a side of a box, with some noise,
 * which parts rows in one place.
 * @param m Dimensions. @param seed 32 bits. @returns [n, m] row-major.
 */
export function spectralStart(edges: Edges, m: number, seed: number): Float32Array {
  const random = new RandomStream(seed, STREAM.layout, 2 ** 32 - 1);
  const vectors = slowestVectors(edges, m, random);
  const [low, high] = [new Array(m).fill(Infinity), new Array(m).fill(-Infinity)];
  vectors.forEach((value, at) => {
    low[at % m] = Math.min(low[at % m], value);
    high[at % m] = Math.max(high[at % m], value);
  });
  return Float32Array.from(vectors, (value, at) => {
    const width = high[at % m] - low[at % m];
    const place = width > 0 ? BOX * (value - low[at % m]) / width : 0;
    return place + random.uniform(-NOISE, NOISE);
  });
}

/**
 * (a, b) of 1/(1 + a·x^2b), fitted by least squares at 300 places from 0 to 3 to 1 up to the minimum
 * distance d and e^(d − x) from there: (1.932, .791) for d = 0. By Gauss and Newton's method with the
 * damping of Levenberg and Marquardt.
 */
export function curveOf(minDistance: number): { a: number; b: number } {
  const places = Array.from({ length: 300 }, (_, i) => 3 * i / 299);
  const target = (x: number) => x < minDistance ? 1 : Math.exp(minDistance - x);
  const errorOf = (a: number, b: number) =>
    places.reduce((sum, x) => sum + (1 / (1 + a * x ** (2 * b)) - target(x)) ** 2, 0);
  let [a, b, damping] = [1, 1, 1e-3];
  let error = errorOf(a, b);
  for (let i = 0; i < 100; i++) {
    let [aa, ab, bb, ra, rb] = [0, 0, 0, 0, 0];
    for (const x of places) {
      if (x === 0) continue;
      const power = x ** (2 * b);
      const value = 1 / (1 + a * power);
      const slopeA = -power * value ** 2;
      const slopeB = 2 * a * Math.log(x) * slopeA;
      const rest = target(x) - value;
      aa += slopeA ** 2;
      ab += slopeA * slopeB;
      bb += slopeB ** 2;
      ra += slopeA * rest;
      rb += slopeB * rest;
    }
    const [da, db] = [aa * (1 + damping), bb * (1 + damping)];
    const determinant = da * db - ab ** 2;
    const nextA = a + (ra * db - rb * ab) / determinant;
    const nextB = b + (rb * da - ra * ab) / determinant;
    const next = nextA > 0 && nextB > 0 ? errorOf(nextA, nextB) : Infinity;
    if (next <= error) [a, b, error, damping] = [nextA, nextB, next, damping / 10];
    else damping *= 10;
  }
  return { a: Math.fround(a), b: Math.fround(b) };
}
