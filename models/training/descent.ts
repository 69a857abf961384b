/**
 * Descent on one loss by Adam, and the averaging epoch that may follow: one more epoch, at whose end
 * the parameters become the mean of what they were after each of its steps.
 */
import type { ParameterBlock } from "../../engine/module.ts";
import { add } from "../../engine/ops/binary.ts";
import { assign } from "../../engine/ops/call.ts";
import { accumulate, advance } from "../../engine/ops/counter.ts";
import { scale } from "../../engine/ops/affine.ts";
import { Adam, minimizeTogether, type Optimizer } from "../../engine/optim.ts";
import type { Tensor, Variable } from "../../engine/tensor.ts";
import { BatchPrograms, planBatches } from "./batches.ts";
import type { Rows } from "./rows.ts";
import type { Phase, PhaseEnd, Training } from "./trainer.ts";

/** What is trained, and for how long. */
export interface DescentSettings {
  /** Its name in the log and of its variables. */
  readonly name: string;
  /** What Adam updates, by the names of its moments. */
  readonly parameters: Readonly<Record<string, ParameterBlock>>;
  /** Names of the losses in the log. */
  readonly terms: readonly string[];
  /** Steps, a batch each, before those of the averaging epoch. */
  readonly steps: number;
  /** Whether an averaging epoch follows. */
  readonly averaging: boolean;
  /** Adam's. */
  readonly learningRate: number;
  /** Adam's. */
  readonly epsilon: number;
  /** Rows of a batch. */
  readonly batchSize: number;
  /** Steps between two rows of the log. */
  readonly interval: number;
  /** Of the order of the rows. */
  readonly seed: number;
}

/**
 * Traces the losses of a batch x [n, d]: `total` is descended, the terms are logged. `numbers`, u32
 * [n], are the batch's rows where all rows are on the device.
 */
export type LossTrace = (
  x: Tensor,
  numbers: Tensor,
) => Readonly<Record<string, Tensor>> & { readonly total: Tensor };

/** Step counter, loss sums, optimisers and means; made before a checkpoint is restored. */
export class Descent {
  /** Counts the steps, u32 [1]. */
  readonly step: Variable;
  private readonly losses: Variable;
  private readonly optimizers: readonly Optimizer[];
  /** Means of the optimisers' arenas over the averaging epoch. */
  private readonly means: readonly Variable[];

  /** @param training Owns the variables. @param settings See there. */
  constructor(private readonly training: Training, private readonly settings: DescentSettings) {
    const { state } = training;
    const { name, parameters, terms, learningRate, epsilon, averaging } = settings;
    this.step = state.variable(`${name} step`, [1], { dtype: "u32" });
    this.losses = state.variable(`${name} losses`, [terms.length]);
    const blocks = Object.entries(parameters);
    const adam = { learningRate, epsilon, step: this.step };
    this.optimizers = blocks.map(([name, block]) => new Adam(state, `${name} adam`, block, adam));
    this.means = averaging
      ? blocks.map(([name, { arena }]) => state.variable(`${name} mean`, arena.shape))
      : [];
  }

  /**
   * Runs to the end, averaging included.
   * @param loss Traces the losses. @param check Looks at the state at every row of the log but those
   *   of the averaging epoch.
   * @returns The steps before the averaging epoch.
   */
  async run(rows: Rows, loss: LossTrace, check?: Phase["check"]): Promise<PhaseEnd> {
    const { training, settings: { name, steps, averaging, batchSize, seed } } = this;
    const end = await this.phase(rows, name, { first: 0, steps, check }, (x, numbers) => {
      this.traceStep(loss(x, numbers));
    });
    if (!averaging) return end;
    const { batches } = planBatches(rows.total, batchSize, "shuffled", seed);
    await this.phase(rows, `${name}, averaging`, { first: steps, steps: batches }, (x, numbers) => {
      this.traceStep(loss(x, numbers));
      this.traceMean(batches);
    });
    await training.once(`${name}, mean of the parameters`, () => this.adoptMeans());
    return end;
  }

  private async phase(
    rows: Rows,
    name: string,
    { first, steps, check }: Pick<Phase, "steps" | "check"> & { readonly first: number },
    traceStep: (x: Tensor, numbers: Tensor) => void,
  ): Promise<PhaseEnd> {
    const { step, losses, training, settings: { batchSize, seed, terms, interval } } = this;
    const batches = { batchSize, order: "shuffled", seed, step } as const;
    using programs = await BatchPrograms.trace(
      training.backend,
      rows,
      batches,
      name,
      (x, numbers) => {
        traceStep(x, numbers);
        return {};
      },
    );
    const programAt = (step: number) => programs.at(first + step);
    return await training.run({ name, steps, interval, losses, terms, programAt, check });
  }

  /** Inside `trace`: one update, and its losses in the log. */
  private traceStep(losses: ReturnType<LossTrace>): void {
    const { terms } = this.settings;
    minimizeTogether(losses.total, this.optimizers);
    terms.forEach((term, i) => accumulate(this.losses, i, losses[term]));
    advance(this.step);
  }

  /** Inside `trace`, after the update: its part of the mean of `count` steps. */
  private traceMean(count: number): void {
    this.optimizers.forEach(({ parameters: { arena } }, i) => {
      assign(this.means[i], add(this.means[i], scale(arena, 1 / count)));
    });
  }

  private async adoptMeans(): Promise<null> {
    const { backend, context: { signal } } = this.training;
    signal?.throwIfAborted();
    const means = await backend.read(this.means.map(({ region }) => region));
    this.optimizers.forEach(({ parameters: { arena } }, i) => {
      arena.write(Float32Array.from(means[i]));
    });
    return null;
  }
}
