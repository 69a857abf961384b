/**
 * Descent on one loss by Adam, and the averaging epoch that may follow: one more epoch, at whose end
 * the parameters become the mean of what they were after each of its steps.
 */
import type { ParameterBlock } from "../../engine/network/module.ts";
import { add } from "../../engine/ops/binary.ts";
import { assign } from "../../engine/ops/call.ts";
import { scale } from "../../engine/ops/affine.ts";
import { Adam, type Optimizer } from "../../engine/network/optim.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import { planBatches } from "./batches.ts";
import { type Batch, type Losses, Phase, type PhaseSettings } from "./phase.ts";
import type { Rows } from "./rows.ts";
import type { Check, PhaseEnd, Training } from "./trainer.ts";

/** What is trained, and for how long. */
export interface DescentSettings<Term extends string>
  extends Omit<PhaseSettings<Term>, "prefix" | "batchOrder"> {
  /** What Adam updates, by the names of its moments. */
  readonly parameters: Readonly<Record<string, ParameterBlock>>;
  /** Steps, a batch each, before those of the averaging epoch. */
  readonly steps: number;
  /** Whether an averaging epoch follows. */
  readonly averaging: boolean;
  /** Adam's. */
  readonly learningRate: number;
  /** Adam's. */
  readonly epsilon: number;
  /** AdamW's; 0 by default. */
  readonly weightDecay?: number;
  /** Steps between two rows of the log. */
  readonly interval: number;
}

/** A phase, and means of its parameters; made before a checkpoint is restored. */
export class Descent<Term extends string> {
  private readonly phase: Phase<Term>;
  private readonly optimizers: readonly Optimizer[];
  /** Means of the optimisers' arenas over the averaging epoch. */
  private readonly means: readonly Variable[];

  /** Makes the variables. @param training Owns them. @param settings See there. */
  constructor(
    private readonly training: Training,
    private readonly settings: DescentSettings<Term>,
  ) {
    const { state } = training;
    const { parameters, learningRate, epsilon, weightDecay = 0, averaging } = settings;
    const blocks = Object.entries(parameters);
    const optimizers: Optimizer[] = [];
    this.phase = new Phase(training, { ...settings, batchOrder: "shuffled" }, (step) => {
      const adam = { learningRate, epsilon, weightDecay, step };
      for (const [name, block] of blocks) {
        optimizers.push(new Adam(state, `${name} adam`, block, adam));
      }
      return [["total", optimizers]];
    });
    this.optimizers = optimizers;
    this.means = averaging
      ? blocks.map(([name, { arena }]) => state.variable(`${name} mean`, arena.shape))
      : [];
  }

  /**
   * Runs to the end, averaging included.
   * @param losses Inside `trace`: those of a batch. @param check Looks at the state at every row of the
   *   log but those of the averaging epoch.
   * @returns The steps before the averaging epoch.
   */
  async run(
    rows: Rows,
    losses: (batch: Batch) => Losses<Term>,
    check?: (step: number) => Promise<Check>,
  ): Promise<PhaseEnd> {
    const { phase, training, settings: { name, steps, averaging, batchSize, seed, interval } } =
      this;
    const end = await phase.run(rows, { steps, interval, losses, ...check && { check } });
    if (!averaging) return end;
    const { batches } = planBatches(rows.total, batchSize, "shuffled", seed);
    await phase.run(rows, {
      name: `${name}, averaging`,
      first: steps,
      steps: batches,
      interval,
      losses,
      afterUpdate: () => this.traceMean(batches),
    });
    await training.once(`${name}, mean of the parameters`, () => this.adoptMeans());
    return end;
  }

  /** Inside `trace`, after the update: its part of the mean of `count` steps. */
  private traceMean(count: number): void {
    this.optimizers.forEach(({ parameters: { arena } }, i) => {
      assign(this.means[i], add(this.means[i], scale(arena, 1 / count)));
    });
  }

  /** The means become the parameters. */
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
