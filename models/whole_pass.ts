/** Passes over the whole data set: codes, labels and confidence of every row, on the device. */
import { confidence, softAssign } from "../engine/ops/assignment.ts";
import { advance } from "../engine/ops/counter.ts";
import { batchRows } from "../engine/ops/random.ts";
import { gather, scatterRows } from "../engine/ops/rows.ts";
import { sum } from "../engine/ops/sum.ts";
import { type Program, trace } from "../engine/program.ts";
import { State } from "../engine/state.ts";
import { Table } from "../engine/table.ts";
import type { Tensor, Variable } from "../engine/tensor.ts";
import { kmeans, type KMeansOptions, type KMeansResult, meanVarianceOf } from "./kmeans.ts";

/** Rows of one replay of a pass. */
const PASS_ROWS = 1024;

/** A block of rows of the data, and their numbers. */
type PerBlock = (x: Tensor, rows: Tensor) => void;

/** Traces a pass; each replay of the program handles the next block, `batches` replays all rows. */
async function tracePass(
  state: State,
  table: Table,
  label: string,
  perBlock: PerBlock,
): Promise<{ program: Program; batches: number }> {
  const count = Math.min(PASS_ROWS, table.rows);
  const batches = Math.ceil(table.rows / count);
  const cursor = state.variable(`${label} cursor`, [1], { dtype: "u32", saved: false });
  const batch = { total: table.rows, batch: count, batches, count, seed: 0, stream: 0 };
  const program = await trace(state.backend, () => {
    // The last block wraps around; rows that it meets again get the values that they have.
    const rows = batchRows(cursor, { ...batch, order: "sequential" });
    perBlock(gather(table, rows), rows);
    advance(cursor);
    return {};
  }, label);
  return { program, batches };
}

/** Codes of all rows. */
export class Encoding {
  private constructor(
    private readonly state: State,
    private readonly program: Program,
    private readonly batches: number,
    /** f(x) of every row after `run`, [N, p]. */
    readonly codes: Variable,
  ) {}

  /** @param encode [n, d] -> [n, p]. @param latent p. */
  static async create(
    table: Table,
    encode: (x: Tensor) => Tensor,
    latent: number,
  ): Promise<Encoding> {
    const state = new State(table.chunks[0].rows.backend);
    const codes = state.variable("codes", [table.rows, latent], { saved: false });
    const { program, batches } = await tracePass(state, table, "encoding", (x, rows) => {
      scatterRows(codes, rows, encode(x));
    });
    return new Encoding(state, program, batches, codes);
  }

  /** Encodes every row with the parameters as they are. */
  run(): void {
    this.program.run(this.batches);
  }

  /** The codes as a table, for k-means. */
  get table(): Table {
    return Table.of(this.codes);
  }

  /** k-means on the codes of the last `run`. */
  async cluster(options: KMeansOptions): Promise<KMeansResult> {
    const latent = this.codes.shape[1];
    const spread = meanVarianceOf(await this.codes.read(), latent);
    const { clusters, nInit, seed, run, signal } = options;
    const settings = { clusters, nInit, seed, run, signal };
    return await kmeans(this.codes.backend, this.table, spread, settings);
  }

  /** Frees program and codes. */
  dispose(): void {
    this.program.dispose();
    this.state.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Labels and confidence of all rows, by their codes. */
export class Assignment {
  private constructor(
    private readonly state: State,
    private readonly pass: Program,
    private readonly batches: number,
    private readonly count: Program<{ unconflicted: Tensor }>,
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
    const mask = state.variable("unconflicted", [codes.shape[0]], { saved: false });
    const { program, batches } = await tracePass(
      state,
      Table.of(codes),
      "assignment",
      (z, rows) => {
        const assigned = confidence(softAssign(z, centroids), thresholds);
        scatterRows(labels, rows, assigned.labels);
        scatterRows(mask, rows, assigned.mask);
      },
    );
    const count = await trace(codes.backend, () => ({ unconflicted: sum(mask) }), "unconflicted");
    return new Assignment(state, program, batches, count, mask, labels);
  }

  /** Assigns every row; returns labels and mask (1: unconflicted), each [N], and the mask's sum. */
  async run(): Promise<{ labels: Uint32Array; mask: ArrayLike<number>; unconflicted: number }> {
    this.pass.run(this.batches);
    this.count.run();
    const { backend } = this.state;
    const total = this.count.read();
    const [labels, mask] = await backend.read([this.labels.region, this.mask.region]);
    const { unconflicted } = await total;
    return { labels: labels as Uint32Array, mask, unconflicted: unconflicted[0] };
  }

  /** Frees programs and mask. */
  dispose(): void {
    this.pass.dispose();
    this.count.dispose();
    this.state.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
