/**
 * A phase of training: batches through losses and optimisers. A method says what a step computes and
 * what is looked at between steps; counting, adding up, updating and replaying are here, once.
 */
import { accumulate, advance } from "../../engine/ops/counter.ts";
import type { BatchOrder } from "../../engine/ops/random.ts";
import { minimizeTogether, type Optimizer } from "../../engine/network/optim.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { BatchPrograms } from "./batches.ts";
import type { Rows } from "./rows.ts";
import type { Check, PhaseEnd, Training } from "./trainer.ts";

/** What a step trains on. */
export interface Batch {
  /** Its rows, [n, d]. */
  readonly x: Tensor;
  /** Their numbers among all rows, u32 [n]. */
  readonly numbers: Tensor;
  /** Steps of the phase before this one, u32 [1]: what random draws follow. */
  readonly step: Variable;
}

/** The losses of a batch, scalars: `total` is descended, others are logged or descended besides. */
export type Losses<Term extends string> = Readonly<Record<Term | "total", Tensor>>;

/** Losses, each with the optimisers whose parameters follow its gradient. */
export type Descents<Term extends string> = readonly (readonly [
  loss: Term | "total",
  optimizers: readonly Optimizer[],
])[];

/** What a phase is called and how it goes through the rows. */
export interface PhaseSettings<Term extends string> {
  /** In the log. */
  readonly name: string;
  /** What the names of its variables begin with; `name` by default. */
  readonly prefix?: string;
  /** The losses whose means are logged. */
  readonly terms: readonly Term[];
  /** Rows of a batch. */
  readonly batchSize: number;
  /** How the rows of a batch are chosen. */
  readonly batchOrder: BatchOrder;
  /** Of the order. */
  readonly seed: number;
}

/** What a phase does, and for how long. */
export interface PhaseSteps<Term extends string> {
  /** Steps, a batch each, after which it ends if nothing stops it before. */
  readonly steps: number;
  /** Steps between two rows of the log, at which `check` is asked too. */
  readonly interval: number | "epoch";
  /** Inside `trace`: the losses of a batch. */
  losses(batch: Batch): Losses<Term>;
  /** Inside `trace`: what follows the update. */
  afterUpdate?(batch: Batch): void;
  /** Looks at the state before step `step`; a reason ends the phase. */
  check?(step: number): Promise<Check>;
  /** Called before steps from `step` on are submitted; returns how many of them it is good for. */
  prepare?(step: number): number;
  /** Name in the log, where the phase runs again under another one. */
  readonly name?: string;
  /** Steps that the phase has made under other names. */
  readonly first?: number;
}

/** Step counter, loss sums and optimisers; made before a checkpoint is restored. */
export class Phase<Term extends string = string> {
  /** Counts the steps, u32 [1]. */
  readonly step: Variable;
  /** What descends which loss, in this order. */
  readonly descents: Descents<Term>;
  /** Sums of the terms since the last row of the log, [terms]. */
  readonly sums: Variable;

  /**
   * Makes the variables.
   * @param training Owns them. @param settings See there.
   * @param descents Makes what descends which loss; `step` is the phase's counter.
   */
  constructor(
    private readonly training: Training,
    private readonly settings: PhaseSettings<Term>,
    descents: (step: Variable) => Descents<Term>,
  ) {
    const { state } = training;
    const { name, prefix = name, terms } = settings;
    this.step = state.variable(`${prefix} step`, [1], { dtype: "u32" });
    this.sums = state.variable(`${prefix} losses`, [terms.length]);
    this.descents = descents(this.step);
  }

  /** Runs to the end; at once, where a resumed training had ended it. */
  async run(rows: Rows, plan: PhaseSteps<Term>): Promise<PhaseEnd> {
    const { training, step, sums: losses, settings } = this;
    const { batchSize, batchOrder: order, seed, terms } = settings;
    const { name = settings.name, steps, interval, check, prepare, first = 0 } = plan;
    const batches = { batchSize, order, seed, step };
    using programs = await BatchPrograms.trace(
      training.backend,
      rows,
      batches,
      name,
      (x, numbers) => {
        this.traceStep({ x, numbers, step }, plan);
        return {};
      },
    );
    return await training.run({
      name,
      steps,
      interval: interval === "epoch" ? programs.batches : interval,
      losses,
      terms,
      ...check && { check },
      async programAt(step) {
        const { program, steps } = await programs.at(first + step);
        return { program, steps: Math.min(steps, prepare?.(step) ?? Infinity) };
      },
    });
  }

  /** Inside `trace`: one step on a batch. */
  traceStep(
    batch: Batch,
    { losses, afterUpdate }: Pick<PhaseSteps<Term>, "losses" | "afterUpdate">,
  ) {
    const values = losses(batch);
    for (const [loss, optimizers] of this.descents) minimizeTogether(values[loss], optimizers);
    afterUpdate?.(batch);
    this.settings.terms.forEach((term, i) => accumulate(this.sums, i, values[term]));
    advance(this.step);
  }
}
