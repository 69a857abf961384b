/** A phase of pre-training: its optimiser and its learning rate, as the options ask. */
import type { ParameterBlock } from "../../engine/network/module.ts";
import { mul } from "../../engine/ops/binary.ts";
import { squaredError } from "../../engine/ops/squared_error.ts";
import { scale } from "../../engine/ops/affine.ts";
import { Adam, type Optimizer, Sgd } from "../../engine/network/optim.ts";
import type { State } from "../../engine/state/state.ts";
import type { Tensor, Variable } from "../../engine/tensor/tensor.ts";
import { type Batch, type Descents, type Losses, Phase } from "./phase.ts";
import type { ErrorForm, PretrainingOptions } from "./pretraining_options.ts";
import type { Rows } from "./rows.ts";
import type { Check, PhaseEnd, Training } from "./trainer.ts";

/** Share of a phase after which SGD's rate falls to a tenth, and falls again: Caffe's 20,000 of 50,000. */
const DROP_SHARE = 0.4;

/** What an error's form divides the squared error of a row of d features by. */
export function errorDivisor(form: ErrorForm, features: number): number {
  switch (form) {
    case "mean":
      return features;
    case "halfMean":
      return 2 * features;
    case "sum":
      return 1;
    case "halfSum":
      return 2;
  }
}

/**
 * The reconstruction error of a batch [n, d], a scalar: Σ (p − t)² over n (a mean over the batch) and
 * over the form's {@linkcode errorDivisor}. Caffe's Euclidean loss is Σ/(2n), `halfSum`; in DEC's fork
 * of Caffe it is divided by `count()`, Σ/(2nd), `halfMean`; DCN's layers take Σ/n, `sum`.
 */
export function reconstructionError(prediction: Tensor, target: Tensor, form: ErrorForm): Tensor {
  const [n, d] = target.shape;
  return scale(squaredError(prediction, target), 1 / (n * errorDivisor(form, d)));
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
export interface PretrainingSettings<Term extends string> {
  /** Its name in the log. */
  readonly name: string;
  /** What the names of its variables begin with. */
  readonly prefix: string;
  /** Steps, a batch each. */
  readonly steps: number;
  /** What the optimiser updates, by the names of the optimiser's variables. */
  readonly parameters: Readonly<Record<string, ParameterBlock>>;
  /** The terms of its log. */
  readonly terms: readonly Term[];
  /** Optimisers of other losses. @param shared What every Adam of the phase has in common. */
  others?(shared: SharedAdam): Descents<Term>;
}

/** What every Adam of a phase has in common. */
export interface SharedAdam {
  /** Counts its updates. */
  readonly step: Variable;
  /** ε */
  readonly epsilon: number;
  /** Steps over which its rate decays to 0; 0: constant. */
  readonly decaySteps: number;
}

/** The variables of a phase; made before a checkpoint is restored. */
export class PretrainingPhase<Term extends string = string> {
  /** What updates the first of its parameter blocks. */
  readonly optimizer: Optimizer;
  /** Counts, updates, replays. */
  readonly phase: Phase<Term>;
  private readonly rate?: SteppedRate;

  /** @param training Owns the variables. */
  constructor(
    training: Training,
    private readonly settings: PretrainingSettings<Term>,
    private readonly options: PhaseOptions,
  ) {
    const { state } = training;
    const { steps, prefix, parameters } = settings;
    const { pretrainOptimizer, pretrainDecay: decays, pretrainDropSteps } = options;
    const { pretrainLearningRate: learningRate, pretrainMomentum: momentum } = options;
    const optimizers: Optimizer[] = [];
    this.phase = new Phase(training, { ...settings, ...options }, (step) => {
      const decaySteps = decays ? Math.max(steps, 1) : 0;
      const shared = { step, epsilon: options.adamEpsilon, decaySteps };
      for (const [name, block] of Object.entries(parameters)) {
        optimizers.push(
          pretrainOptimizer === "adam"
            ? new Adam(state, `${name} adam`, block, { ...shared, learningRate })
            : new Sgd(state, `${name} sgd`, block, { learningRate, momentum }),
        );
      }
      return [["total", optimizers], ...settings.others?.(shared) ?? []];
    });
    this.optimizer = optimizers[0];
    if (pretrainOptimizer === "sgd" && decays) {
      const drop = pretrainDropSteps || Math.max(Math.round(DROP_SHARE * steps), 1);
      this.rate = new SteppedRate(state, `${prefix} rate`, drop);
    }
  }

  /**
   * Runs the phase to its end.
   * @param losses Inside `trace`: those of a batch. @param check Looks at the state after every epoch;
   *   the rows of the log are its then.
   */
  run(
    rows: Rows,
    losses: (batch: Batch) => Losses<Term>,
    check?: (step: number) => Promise<Check>,
  ): Promise<PhaseEnd> {
    const { rate, settings: { steps }, options: { logInterval } } = this;
    return this.phase.run(rows, {
      steps,
      interval: check ? "epoch" : logInterval,
      losses(batch) {
        const values = losses(batch);
        return rate ? { ...values, total: mul(values.total, rate.factor) } : values;
      },
      ...check && { check },
      ...rate && { prepare: (step) => rate.show(step) },
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
