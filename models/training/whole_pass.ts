/** Passes over the whole data set: codes, labels and confidence of every row, on the device. */
import { confidence } from "../../kernels/confidence.ts";
import { negate } from "../../engine/ops/affine.ts";
import { argmax, softAssign } from "../../engine/ops/assignment.ts";
import { callKernel } from "../../engine/ops/call.ts";
import { advance } from "../../engine/ops/counter.ts";
import { squaredDistances } from "../../engine/ops/distances.ts";
import { batchRows } from "../../engine/ops/random.ts";
import { scatterRows } from "../../engine/ops/rows.ts";
import { sum } from "../../engine/ops/sum.ts";
import { REGION_ALIGNMENT } from "../../engine/backend/backend.ts";
import { type Program, trace } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import { Table } from "../../engine/state/table.ts";
import { type Tensor, Variable } from "../../engine/tensor/tensor.ts";
import type { Rows } from "./rows.ts";
import {
  kmeans,
  type KMeansOptions,
  type KMeansResult,
  meanVarianceOf,
} from "../shallow/kmeans.ts";

/** Most rows of one replay of a pass, unless a network asks for fewer. */
const PASS_ROWS = 1024;

/** Most soft assignments, of rows to clusters, that are held at once. */
const HELD_ASSIGNMENTS = 2 ** 22;

/** Rows at whose multiples any part of a variable may begin. */
const PART_UNIT = REGION_ALIGNMENT;

/** Traces the work on a block: the rows x, and their numbers among all. */
type PerBlock = (x: Tensor, numbers: Tensor) => void;

/** A pass over all rows, block by block. */
class Pass {
  private constructor(
    private readonly rows: Rows,
    private readonly program: Program,
    private readonly most: number,
  ) {}

  /** Traces the work on a block of at most `most` rows, a power of two. */
  static async trace(
    state: State,
    rows: Rows,
    label: string,
    most: number,
    perBlock: PerBlock,
  ): Promise<Pass> {
    const { total, table, isWindowed } = rows;
    const batches = Math.ceil(total / most);
    // Blocks of one size leave little for the last one to compute again.
    const count = isWindowed ? most : Math.ceil(total / batches);
    const cursor = state.variable(`${label} cursor`, [1], { dtype: "u32", saved: false });
    const block = {
      batch: count,
      batches,
      count,
      order: "sequential",
      seed: 0,
      stream: 0,
    } as const;
    const program = await trace(state.backend, () => {
      // The last block wraps around; rows that it meets again get the values that they have. In a
      // window it goes on into rows of no meaning, whose numbers are past the end.
      const numbers = batchRows(cursor, { ...block, total: isWindowed ? batches * count : total });
      const places = isWindowed ? batchRows(cursor, { ...block, total: table.rows }) : numbers;
      perBlock(rows.batch(places), numbers);
      advance(cursor);
      return {};
    }, label);
    return new Pass(rows, program, most);
  }

  /** Enqueues the work on all rows; waits for nothing but rows that have to be read. */
  async run(): Promise<void> {
    const { rows, program, most } = this;
    const { total, table, isWindowed } = rows;
    if (!isWindowed) return program.run(Math.ceil(total / most));
    for (let first = 0; first < total; first += table.rows) {
      const next = first + table.rows;
      const window = rows.consecutive(first);
      await rows.show(window, next < total ? rows.consecutive(next) : undefined);
      program.run(Math.ceil(window[0].count / most));
    }
  }

  /** Frees the program. */
  dispose(): void {
    this.program.dispose();
  }
}

/** Codes of all rows. */
export class Encoding {
  private constructor(
    private readonly state: State,
    private readonly pass: Pass,
    /** f(x) of every row after `run`, [N, p]. */
    readonly codes: Variable,
  ) {}

  /**
   * Prepares a pass; nothing is encoded yet.
   * @param encode [n, d] -> [n, p]. @param latent p. @param passRows Most rows to be encoded at once,
   *   a power of two up to 1024.
   */
  static async create(
    rows: Rows,
    encode: (x: Tensor) => Tensor,
    latent: number,
    passRows: number = PASS_ROWS,
  ): Promise<Encoding> {
    const state = new State(rows.backend);
    const codes = state.variable("codes", [rows.total, latent], { saved: false });
    const pass = await Pass.trace(state, rows, "encoding", passRows, (x, numbers) => {
      scatterRows(codes, numbers, encode(x));
    });
    return new Encoding(state, pass, codes);
  }

  /** Encodes every row with the parameters as they are. */
  run(): Promise<void> {
    return this.pass.run();
  }

  /** The codes as a table, for k-means. */
  get table(): Table {
    return Table.of(this.codes);
  }

  /** k-means on the codes of the last `run`. */
  async cluster(options: KMeansOptions): Promise<KMeansResult> {
    const latent = this.codes.shape[1];
    const spread = meanVarianceOf(await this.codes.read(), latent);
    return await kmeans(this.codes.backend, this.table, spread, options);
  }

  /** Frees program and codes. */
  dispose(): void {
    this.pass.dispose();
    this.state.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Labels and confidence of all rows, by the Student-t affinity of their codes. */
export class Assignment {
  private constructor(
    private readonly state: State,
    private readonly program: Program<{ unconflicted: Tensor }>,
    private readonly mask: Variable,
    private readonly labels: Variable,
  ) {}

  /**
   * @param codes [N, p]. @param centroids [K, p]. @param thresholds [2] = (β1, β2).
   * @param labels u32 [N], where the labels go.
   */
  static async create(
    codes: Variable,
    centroids: Variable,
    thresholds: Variable,
    labels: Variable,
  ): Promise<Assignment> {
    const state = new State(codes.backend);
    const [n] = codes.shape;
    const [k] = centroids.shape;
    const mask = state.variable("unconflicted", [n], { saved: false });
    const program = await trace(codes.backend, () => {
      for (const { first, count } of partsOfAssignments(n, k)) {
        const q = softAssign(partOf(codes, first, count), centroids);
        const results = [labels, mask].map((variable) => partOf(variable, first, count));
        callKernel(confidence, { n: count, k }, [q, thresholds, ...results]);
      }
      return { unconflicted: sum(mask) };
    }, "assignment");
    return new Assignment(state, program, mask, labels);
  }

  /** Assigns every row; returns labels and mask (1: unconflicted), each [N], and the mask's sum. */
  async run(): Promise<{ labels: Uint32Array; mask: ArrayLike<number>; unconflicted: number }> {
    this.program.run();
    const total = this.program.read();
    const [labels, mask] = await this.state.backend.read([this.labels.region, this.mask.region]);
    const { unconflicted } = await total;
    return { labels: labels as Uint32Array, mask, unconflicted: unconflicted[0] };
  }

  /** Frees program and mask. */
  dispose(): void {
    this.program.dispose();
    this.state.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** How near codes [n, p] are to centroids [K, p], [n, K]: the largest makes the label. */
export type Affinity = (codes: Tensor, centroids: Tensor) => Tensor;

/**
 * Less the squared distance, which is largest for the nearest centroid, however small the code is. So is
 * the Student-t affinity, but in float32 1 + ‖z − μ‖² forgets distances below 10⁻⁴ or so.
 */
export const nearness: Affinity = (codes, centroids): Tensor =>
  negate(squaredDistances(codes, centroids));

/** Labels of all rows, by their codes. */
export class Labelling {
  private constructor(private readonly program: Program) {}

  /**
   * Prepares a pass over the codes.
   * @param codes [N, p]. @param centroids [K, p]. @param affinity The largest makes the label.
   */
  static async create(
    codes: Variable,
    centroids: Variable,
    affinity: Affinity,
  ): Promise<Labelling> {
    const labels: Affinity = (part, means) => argmax(affinity(part, means));
    return new Labelling(await tracePerPart("labels", codes, centroids, labels));
  }

  /** The label of every row by its code as it is, [N]. */
  async run(): Promise<Uint32Array> {
    this.program.run();
    const parts = Object.values(await this.program.read());
    const labels = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0));
    joinInto(labels, parts);
    return labels;
  }

  /** Frees the program. */
  [Symbol.dispose](): void {
    this.program.dispose();
  }
}

/** A program that gives what `perPart` makes of codes, in parts as many as can be held. */
function tracePerPart(
  label: string,
  codes: Variable,
  centroids: Variable,
  perPart: Affinity,
): Promise<Program> {
  const parts = partsOfAssignments(codes.shape[0], centroids.shape[0]);
  return trace(
    codes.backend,
    () =>
      Object.fromEntries(parts.map(({ first, count }) => {
        const part = partOf(codes, first, count);
        return [`rows from ${first} on`, perPart(part, centroids)];
      })),
    label,
  );
}

/** Fills an array with parts, one after another. */
function joinInto(
  whole: Uint32Array | Float32Array,
  parts: readonly ArrayLike<number>[],
): void {
  let first = 0;
  for (const part of parts) {
    whole.set(part, first);
    first += part.length;
  }
}

/**
 * The affinity of each code to each centroid, once: [N, K].
 * @param codes [N, p]. @param centroids [K, p]. @param affinity Of some codes; distances serve too.
 */
export async function affinitiesOf(
  codes: Variable,
  centroids: Variable,
  affinity: Affinity,
): Promise<Float32Array> {
  using program = await tracePerPart("affinities", codes, centroids, affinity);
  program.run();
  const affinities = new Float32Array(codes.shape[0] * centroids.shape[0]);
  joinInto(affinities, Object.values(await program.read()));
  return affinities;
}

/** The label of each code [N, p], once: see {@linkcode Labelling}. */
export async function labelsOf(
  codes: Variable,
  centroids: Variable,
  affinity: Affinity,
): Promise<Uint32Array> {
  using labelling = await Labelling.create(codes, centroids, affinity);
  return await labelling.run();
}

/** Parts of n rows, whose soft assignments to k clusters are few enough to be held at once. */
export function partsOfAssignments(n: number, k: number): { first: number; count: number }[] {
  const step = Math.max(Math.floor(HELD_ASSIGNMENTS / k / PART_UNIT), 1) * PART_UNIT;
  return Array.from({ length: Math.ceil(n / step) }, (_, i) => {
    const first = i * step;
    return { first, count: Math.min(step, n - first) };
  });
}

/** `count` rows of a variable from row `first`, a multiple of {@linkcode PART_UNIT}: no copy. */
export function partOf(variable: Variable, first: number, count: number): Variable {
  const { backend, name, shape: [rows, ...rest], region } = variable;
  const width = variable.size / rows;
  const offset = region.offset + first * width;
  const part = { ...region, offset, length: count * width };
  return new Variable(backend, name, [count, ...rest], part);
}
