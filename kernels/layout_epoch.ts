/** An epoch of the layout of a graph. */
import { output, values } from "./case_buffers.ts";
import { groupsOf, type KernelCase, type NumberArray, ULP } from "./kernel.ts";
import { threefry2x32, threefryShader } from "./threefry.ts";
import type { RegisteredKernel } from "./registered.ts";
import source from "./layout_epoch.wgsl" with { type: "text" };

/** Forces whose sum moves a row at once; the next ones act on the row where it is then. */
export const FORCE_GROUP = 8;

/** What a force moves a row by along one axis, at most, at the rate 1. */
const LARGEST_MOVE = 4;

/** Keeps repulsion finite, as the method's code has it. */
const NEAR = 0.001;

/** Edges as rates of 2⁻³²: a weight w acts in a share w of the epochs, evenly spread. */
export function layoutRate(weight: number): number {
  return Math.min(Math.round(weight * 2 ** 32), 2 ** 32 - 1);
}

/**
 * UMAP's descent (McInnes, Healy and Melville, arXiv 1802.03426, section 3.2) on the cross-entropy of
 * q = 1/(1 + a·‖y_i − y_j‖^2b) to the weights of a graph, as a gather: a row is moved by its own edges
 * alone, while the others stand where they stood before the epoch.
 *
 * The edge e of row i acts in epoch t where (t + 1)·rates[e] mod 2³² < rates[e]. First the edges that
 * act, in their order, pull the row; then `negatives` rows for each of them, drawn from all, push it. A
 * draw that is the row itself is void. Draw s of row i is word s & 1 of Threefry-2x32-20 with the key
 * (seed, stream) and the counter (i, t·2¹⁶ + (s >> 1)), modulo n. With s² = ‖y_i − y_j‖² and the rate
 * α = 1 − t/epochs the moves along an axis are
 *
 *     pull: −α·clip(2ab·s^2b/s²/(1 + a·s^2b)·(y_i − y_j)), push: α·clip(2b/((.001 + s²)(1 + a·s^2b))·(y_i − y_j))
 *
 * with clip to ±4. The method's code has every edge in both directions and moves both of its ends each
 * time, one after the other; as all rows move at once, each end is pulled once, which gives the better
 * layouts here. Rows in one place do not act on each other. Moves are summed by groups of
 * {@linkcode FORCE_GROUP}, which see the row where the group before has left it.
 *
 * epoch: `[1]` = t, first: `[n + 1]`, where each row's edges begin in columns, rates: `[edges]`;
 * positions, moved: `[n, m]`.
 */
export const layoutEpoch: RegisteredKernel = {
  name: "layout_epoch",
  bindings: [
    { name: "epoch", type: "u32", access: "read" },
    { name: "first", type: "u32", access: "read" },
    { name: "columns", type: "u32", access: "read" },
    { name: "rates", type: "u32", access: "read" },
    { name: "positions", type: "f32", access: "read" },
    { name: "moved", type: "f32", access: "write" },
  ],
  params: [
    { name: "n", type: "u32" },
    { name: "m", type: "u32" },
    { name: "edges", type: "u32" },
    { name: "epochs", type: "u32" },
    { name: "negatives", type: "u32" },
    { name: "seed", type: "u32" },
    { name: "stream", type: "u32" },
    { name: "a", type: "f32" },
    { name: "b", type: "f32" },
  ],
  constants: {},
  shaders: [{
    head: [threefryShader],
    file: "layout_epoch.wgsl",
    source,
    workgroups: ({ n }) => groupsOf(n, 64),
  }],
  lengths: ({ n, m, edges }) => [1, n + 1, edges, edges, n * m, n * m],
  extent: ({ n }) => n,
  reference([epoch, first, columns, rates, positions, moved], params, _constants, begin, end) {
    const { n, m, epochs, negatives, seed, stream } = params;
    const row = new Row(positions, moved, params);
    const words = new Uint32Array(2);
    const t = epoch[0];
    const rate = 1 - t / epochs;
    for (let i = begin; i < end; i++) {
      for (let c = 0; c < m; c++) moved[i * m + c] = positions[i * m + c];
      row.number = i;
      let acting = 0;
      for (let e = first[i]; e < first[i + 1]; e++) {
        if (Math.imul(t + 1, rates[e]) >>> 0 >= rates[e]) continue;
        acting++;
        row.pull(columns[e], -rate);
      }
      row.settle();
      for (let s = 0; s < negatives * acting; s++) {
        const word = s & 1;
        if (word === 0) threefry2x32(seed, stream, i, ((t << 16) + (s >>> 1)) >>> 0, words);
        row.push(words[word] % n, rate);
      }
      row.settle();
    }
  },
  cases: () => [
    layoutCase({ name: "one row, no edge", n: 1, m: 2, degree: 0, epoch: 3, epochs: 8 }),
    layoutCase({ name: "no rows", n: 0, m: 2, degree: 0, epoch: 0, epochs: 8 }),
    layoutCase({
      name: "all in one place",
      n: 65,
      m: 2,
      degree: 3,
      epoch: 1,
      epochs: 8,
      spacing: 0,
    }),
    layoutCase({ name: "far apart", n: 257, m: 2, degree: 5, epoch: 255, epochs: 256 }),
    layoutCase({ name: "along 1 axis", n: 100, m: 1, degree: 3, epoch: 127, epochs: 128 }),
    layoutCase({ name: "in 3 dimensions", n: 150, m: 3, degree: 7, epoch: 510, epochs: 512 }),
    layoutCase({ name: "in 10 dimensions", n: 90, m: 10, degree: 4, epoch: 127, epochs: 128 }),
    layoutCase({
      name: "seldom edges",
      n: 300,
      m: 2,
      degree: 9,
      epoch: 126,
      epochs: 128,
      weight: 0.1,
    }),
    layoutCase({
      name: "no negatives",
      n: 64,
      m: 2,
      degree: 8,
      epoch: 60,
      epochs: 64,
      negatives: 0,
    }),
    layoutCase({
      name: "clipped",
      n: 129,
      m: 2,
      degree: 1,
      epoch: 15,
      epochs: 16,
      spacing: 2 ** -6,
    }),
    layoutCase({ name: "large", n: 5000, m: 2, degree: 6, epoch: 509, epochs: 512 }),
  ],
  /**
   * Rows are `spacing` apart, and no group of forces moves them by much of that, so that the slope of
   * a force is bounded: below 3 from 1/2 on, and 2b/0.001 anywhere. A group adds its own error to that
   * which its slope makes of the error before. WGSL's power is exp2(b·log2 s²): its exponent errs by
   * 2⁻²¹ or 3 ULP where |log2 s²| ≤ 16, the exponential by 3 + 2·16 ULP more.
   */
  tolerance: ({ params, buffers }) => {
    const { m, epochs, negatives, a, b } = params;
    const [{ fill: epoch }, { fill: first }, , , { fill: positions }] = buffers;
    if (epoch?.kind !== "values" || first?.kind !== "values" || positions?.kind !== "values") {
      throw new TypeError("layout_epoch: the cases' buffers are given by values");
    }
    const places = Array.from(positions.values);
    if (places.length <= m || places.every((place) => place === 0)) {
      return { absolute: 0, relative: 0 };
    }
    const degree = Math.max(
      ...Array.from({ length: params.n }, (_, i) => first.values[i + 1] - first.values[i]),
    );
    const rate = 1 - epoch.values[0] / epochs;
    const spacing = places[m - 1 + m] - places[m - 1];
    const slope = spacing >= 1 ? 3 : 2 * b / NEAR;
    const power = Math.LN2 * b * (2 ** -21 + 16 * 3 * ULP + 16 * ULP) + 35 * ULP;
    const force = Math.max(2 * a * b, LARGEST_MOVE) * (power + (8 + m) * ULP);
    const largest = Math.max(...places.map(Math.abs)) + 1;
    const group = FORCE_GROUP * (rate * force + 2 * ULP * largest);
    const groups = Math.ceil(degree / FORCE_GROUP) + Math.ceil(degree * negatives / FORCE_GROUP);
    const growth = 1 + FORCE_GROUP * rate * slope;
    let absolute = 0;
    for (let g = 0; g < groups; g++) absolute = absolute * growth + group;
    return { absolute, relative: 0 };
  },
  // A force: the squared distance, a power as a logarithm and an exponential, the move.
  cost: ({ n, m, edges, negatives }) => ({
    flops: edges * (1 + negatives) * (30 + 8 * m),
    bytes: 4 * (2 * n * m + n + 2 * edges),
  }),
};

/** The row that is moved, and the forces that have not moved it yet. */
class Row {
  /** Which row it is. */
  number = 0;
  private readonly moves: Float64Array;
  private pending = 0;

  constructor(
    private readonly positions: NumberArray,
    private readonly moved: NumberArray,
    private readonly params: Readonly<Record<string, number>>,
  ) {
    this.moves = new Float64Array(params.m);
  }

  /** The attraction of a row. */
  pull(other: number, rate: number): void {
    const { a, b } = this.params;
    const squared = this.squaredDistance(other);
    const power = squared ** b;
    this.add(other, squared > 0 ? 2 * a * b * (power / squared) / (1 + a * power) : 0, rate);
  }

  /** The repulsion of a row. */
  push(other: number, rate: number): void {
    const { a, b } = this.params;
    const squared = this.squaredDistance(other);
    const isOther = other !== this.number;
    this.add(other, isOther ? 2 * b / ((NEAR + squared) * (1 + a * squared ** b)) : 0, rate);
  }

  /** Moves the row by what has not moved it yet. */
  settle(): void {
    const { number, moved, moves } = this;
    moves.forEach((move, c) => moved[number * moves.length + c] += move);
    moves.fill(0);
    this.pending = 0;
  }

  private squaredDistance(other: number): number {
    const { m } = this.params;
    let sum = 0;
    for (let c = 0; c < m; c++) {
      sum += (this.moved[this.number * m + c] - this.positions[other * m + c]) ** 2;
    }
    return sum;
  }

  private add(other: number, coefficient: number, rate: number): void {
    const { positions, moved, moves, number } = this;
    const m = moves.length;
    for (let c = 0; c < m; c++) {
      const move = coefficient * (moved[number * m + c] - positions[other * m + c]);
      moves[c] += rate * Math.min(Math.max(move, -LARGEST_MOVE), LARGEST_MOVE);
    }
    this.pending++;
    if (this.pending === FORCE_GROUP) this.settle();
  }
}

interface LayoutCase {
  readonly name: string;
  readonly n: number;
  readonly m: number;
  /** Of every second row; the others have none to two fewer. */
  readonly degree: number;
  readonly epoch: number;
  readonly epochs: number;
  readonly spacing?: number;
  readonly weight?: number;
  readonly negatives?: number;
}

/** Rows on a grid, each at a place of its own; edges to the rows after it and some further ones. */
function layoutCase(
  { name, n, m, degree, epoch, epochs, spacing = 1, weight = 1, negatives = 5 }: LayoutCase,
): KernelCase {
  const side = m === 1 ? n : Math.ceil(n ** (1 / Math.min(m, 3)));
  const positions = Float32Array.from({ length: n * m }, (_, i) => {
    const axis = i % m;
    const place = Math.floor(Math.floor(i / m) / side ** (m - 1 - axis)) % side;
    return spacing * (m - 1 - axis < 3 ? place : 0);
  });
  const degrees = Array.from({ length: n }, (_, i) => Math.max(degree - i % 3, 0));
  const first = new Uint32Array(n + 1);
  degrees.forEach((count, i) => first[i + 1] = first[i] + count);
  const columns = degrees.flatMap((count, i) =>
    Array.from({ length: count }, (_, j) => (i + 1 + j * j * 7) % n)
  );
  const rates = columns.map((_, e) => layoutRate(weight * (1 - (e % 5) / 8)));
  const edges = columns.length;
  return {
    name: `${name}: ${n}, epoch ${epoch} of ${epochs}`,
    params: {
      n,
      m,
      edges,
      epochs,
      negatives,
      seed: 7,
      stream: 3,
      a: Math.fround(1.9328),
      b: Math.fround(0.7905),
    },
    constants: {},
    buffers: [
      values(Uint32Array.of(epoch)),
      values(first),
      values(columns),
      values(rates),
      values(positions),
      output(n * m),
    ],
  };
}
