/** Rows held out of training, stopping by what they say, and the weights that they said most for. */
import { assign } from "../../engine/ops/call.ts";
import type { ParameterBlock } from "../../engine/network/module.ts";
import { trace } from "../../engine/planner/program.ts";
import { STREAM } from "../../engine/random.ts";
import type { State } from "../../engine/state/state.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import { permute } from "../../kernels/batch_rows.ts";
import type { Training } from "./trainer.ts";

/** All rows in two parts, each in the order of their numbers. */
export interface Split {
  /** Those to train on. */
  readonly training: Uint32Array;
  /** The others. */
  readonly heldOut: Uint32Array;
}

/**
 * Holds a random share of n rows out, at least one of them.
 * @throws {RangeError} where there are not two rows, or none is left to train on.
 */
export function holdOut(n: number, share: number, seed: number): Split {
  const count = Math.max(Math.round(share * n), 1);
  if (count >= n) {
    throw new RangeError(
      `held-out rows: a share of ${share} of ${n} rows leaves none to train on; take a smaller one`,
    );
  }
  const isHeldOut = new Uint8Array(n);
  for (let i = 0; i < count; i++) isHeldOut[permute(i, n, seed, STREAM.heldOut, 0)] = 1;
  const numbers = Uint32Array.from({ length: n }, (_, i) => i);
  return {
    training: numbers.filter((i) => isHeldOut[i] === 0),
    heldOut: numbers.filter((i) => isHeldOut[i] === 1),
  };
}

/** Ends a phase when a measure has not become greater for some epochs. A resumed training goes on. */
export class EarlyStopping {
  private readonly progress: { best: number; epochs: number };

  /**
   * Begins, or goes on where the training's state says so.
   * @param training Keeps the state. @param name Of the state there. @param patience Epochs.
   * @param worst Finite, and below any value.
   */
  constructor(
    training: Pick<Training, "host">,
    name: string,
    private readonly patience: number,
    private readonly worst: number,
  ) {
    const state = training.host[name] ??= { best: worst, epochs: 0 };
    this.progress = state as { best: number; epochs: number };
  }

  /** Takes the value after another epoch. @returns Whether it is the greatest so far. */
  observe(value: number): boolean {
    const { progress } = this;
    const isBest = value > progress.best;
    progress.epochs = isBest ? 0 : progress.epochs + 1;
    if (isBest) progress.best = value;
    return isBest;
  }

  /** Whether any value was observed that is greater than the worst. */
  get hasBest(): boolean {
    return this.progress.best > this.worst;
  }

  /** Whether the patience is spent. */
  get isOver(): boolean {
    return this.progress.epochs >= this.patience;
  }
}

/** A second place for parameters on the device, in checkpoints too. */
export class BestWeights {
  private readonly kept: Variable;

  /** @param state Owns the place. @param name Its name there. @param parameters What is kept. */
  constructor(state: State, name: string, private readonly parameters: ParameterBlock) {
    this.kept = state.variable(name, parameters.arena.shape);
  }

  /** Keeps the parameters as they are. */
  keep(): Promise<void> {
    return copy(this.parameters.arena, this.kept);
  }

  /** Brings back the parameters that were kept last. */
  restore(): Promise<void> {
    return copy(this.kept, this.parameters.arena);
  }
}

async function copy(from: Variable, to: Variable): Promise<void> {
  using program = await trace(from.backend, () => {
    assign(to, from);
    return {};
  }, `copy to ${to.name}`);
  program.run();
}
