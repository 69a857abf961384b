/** A phase of pre-training: batches through a loss and an optimiser, as the options ask. */
import type { ParameterBlock } from "../../engine/module.ts";
import { mul } from "../../engine/ops/binary.ts";
import { accumulate, advance } from "../../engine/ops/counter.ts";
import { squaredError } from "../../engine/ops/squared_error.ts";
import { scale } from "../../engine/ops/affine.ts";
import { Adam, minimizeTogether, type Optimizer, Sgd } from "../../engine/optim.ts";
import type { State } from "../../engine/state.ts";
import type { Tensor, Variable } from "../../engine/tensor.ts";
import { BatchPrograms } from "./batches.ts";
import type { ErrorForm, PretrainingOptions } from "./pretraining_options.ts";
import type { Rows } from "./rows.ts";
import type { Phase, PhaseEnd, Training } from "./trainer.ts";

/** Share of a phase after which SGD's rate falls to a tenth, and falls again: Caffe's 20,000 of 50,000. */
const DROP_SHARE = 0.4;

/**
 * The reconstruction error of a batch [n, d], a scalar: the mean over n and d of (p − t)², or Caffe's
 * Euclidean loss Σ (p − t)² / (2n), which is d/2 times as large.
 */
export function reconstructionError(prediction: Tensor, target: Tensor, form: ErrorForm): Tensor {
  const divisor = form === "mean" ? target.size : 2 * target.shape[0];
  return scale(squaredError(prediction, target), 1 / divisor);
}

/** The options that a phase follows. */
export type PhaseOptions = Pick<
  PretrainingOptions,
  | "pretrainOptimizer"
  | "pretrainLearningRate"
  | "pretrainMomentum"
  | "pretrainDecay"
  | "pretrainDropSteps"
  | "adamEpsilon"
  | "batchSize"
  | "batchOrder"
  | "logInterval"
  | "seed"
>;

/** What a phase trains, and for how long. */
export interface PhaseSettings {
  /** Its name in the log. */
  readonly name: string;
  /** What the names of its variables begin with. */
  readonly prefix: string;
  /** Steps, a batch each. */
  readonly steps: number;
  /** What the optimiser updates, by the names of the optimiser's variables. */
  readonly parameters: Readonly<Record<string, ParameterBlock>>;
  /** The terms of its log. */
  readonly terms: readonly string[];
}

/** Counter, loss sums and optimiser of a phase; made before a checkpoint is restored. */
export class PretrainingPhase {
  /** Counts the steps, u32 [1]. */
  readonly step: Variable;
  /** Sums of the losses since the last row of the log, [terms]. */
  readonly losses: Variable;
  private readonly optimizers: readonly Optimizer[];
  private readonly rate?: SteppedRate;

  /** @param training Owns the variables. */
  constructor(
    private readonly training: Training,
    private readonly settings: PhaseSettings,
    private readonly options: PhaseOptions,
  ) {
    const { state } = training;
    const { prefix, steps, parameters, terms } = settings;
    const { pretrainOptimizer, pretrainDecay, pretrainDropSteps } = options;
    this.step = state.variable(`${prefix} step`, [1], { dtype: "u32" });
    this.losses = state.variable(`${prefix} losses`, [terms.length]);
    const learningRate = options.pretrainLearningRate;
    const momentum = options.pretrainMomentum;
    this.optimizers = Object.entries(parameters).map(([name, block]) =>
      pretrainOptimizer === "adam"
        ? new Adam(state, `${name} adam`, block, { ...this.adam, learningRate })
        : new Sgd(state, `${name} sgd`, block, { learningRate, momentum })
    );
    if (pretrainOptimizer === "sgd" && pretrainDecay) {
      const drop = pretrainDropSteps || Math.max(Math.round(DROP_SHARE * steps), 1);
      this.rate = new SteppedRate(state, `${prefix} rate`, drop);
    }
  }

  /** What every Adam of the phase has in common. */
  get adam(): { readonly step: Variable; readonly epsilon: number; readonly decaySteps: number } {
    const { adamEpsilon: epsilon, pretrainDecay } = this.options;
    const decaySteps = pretrainDecay ? Math.max(this.settings.steps, 1) : 0;
    return { step: this.step, epsilon, decaySteps };
  }

  /** What updates the first of its parameter blocks. */
  get optimizer(): Optimizer {
    return this.optimizers[0];
  }

  /** Inside `trace`: one update by the gradient of `loss`, a scalar. */
  minimize(loss: Tensor): void {
    minimizeTogether(this.rate ? mul(loss, this.rate.factor) : loss, this.optimizers);
  }

  /** Inside `trace`, at the end of a step: adds up its terms, in their order, and counts it. */
  finish(terms: readonly Tensor[]): void {
    terms.forEach((term, i) => accumulate(this.losses, i, term));
    advance(this.step);
  }

  /**
   * Runs the phase to its end.
   * @param traceStep Traces a step on the batch x [n, d]. @param check Looks at the state after every
   *   epoch, as of a {@linkcode Phase}; the rows of the log are its then.
   */
  async run(
    rows: Rows,
    traceStep: (x: Tensor) => void,
    check?: Phase["check"],
  ): Promise<PhaseEnd> {
    const { training, step, losses, rate } = this;
    const { name, steps, terms } = this.settings;
    const { batchSize, batchOrder: order, seed, logInterval } = this.options;
    const settings = { batchSize, order, seed, step };
    using programs = await BatchPrograms.trace(training.backend, rows, settings, name, (x) => {
      traceStep(x);
      return {};
    });
    return await training.run({
      name,
      steps,
      interval: check ? programs.batches : logInterval,
      losses,
      terms,
      check,
      async programAt(step) {
        const { program, steps } = await programs.at(step);
        return { program, steps: Math.min(steps, rate?.show(step) ?? Infinity) };
      },
    });
  }
}

/**
 * A learning rate that falls to a tenth every so many steps. Its factor multiplies the loss, hence
 * the gradient: the same update as by a rate that is multiplied.
 */
class SteppedRate {
  /** What the loss of the steps submitted next is multiplied by, []. */
  readonly factor: Variable;

  constructor(state: State, name: string, private readonly drop: number) {
    this.factor = state.variable(name, [], { saved: false });
  }

  /** Writes the factor of step `step`, behind everything enqueued; returns how many steps have it. */
  show(step: number): number {
    const drops = Math.floor(step / this.drop);
    this.factor.write(Float32Array.of(10 ** -drops));
    return (drops + 1) * this.drop - step;
  }
}
