/** Optimisers: one fused update over one parameter arena. */
import { gradients } from "../gradient/gradient.ts";
import type { ParameterBlock } from "./module.ts";
import { scale } from "../ops/affine.ts";
import { assign } from "../ops/call.ts";
import { advance } from "../ops/counter.ts";
import { type AdamConstants, applyAdam, applySgd, type SgdConstants } from "../ops/optimize.ts";
import { pack } from "../ops/pack.ts";
import type { State } from "../state/state.ts";
import type { Tensor, Variable } from "../tensor/tensor.ts";

/** An optimiser of one arena. */
export interface Optimizer {
  /** What it updates. */
  readonly parameters: ParameterBlock;
  /** Inside `trace`: one update of the parameters by the gradient of `loss`, a scalar. */
  minimize(loss: Tensor): void;
  /** Inside `trace`: one update by a gradient of the arena's shape. */
  update(gradient: Tensor): void;
}

/** Inside `trace`: one update of what each optimiser updates, all by the gradient of one loss. */
export function minimizeTogether(loss: Tensor, optimizers: readonly Optimizer[]): void {
  const targets = optimizers.flatMap(({ parameters }) => parameters.variables);
  const all = gradients(loss, targets);
  for (const optimizer of optimizers) {
    const { variables, offsets, arena } = optimizer.parameters;
    optimizer.update(pack(all.splice(0, variables.length), offsets, arena.size));
  }
}

/** Options of {@linkcode Adam}. */
export interface AdamOptions extends Partial<AdamConstants> {
  /** Updates made before, u32 [1], advanced by whoever shares it; absent: a counter of its own. */
  readonly step?: Tensor;
  /**
   * λ of AdamW (Loshchilov and Hutter, arXiv 1711.05101): every step shrinks the parameters by the
   * share η·λ, besides; for a constant rate. 0 by default.
   */
  readonly weightDecay?: number;
}

/** Adam (Kingma and Ba, arXiv 1412.6980), bias-corrected. */
export class Adam implements Optimizer {
  private readonly m: Variable;
  private readonly v: Variable;
  private readonly constants: AdamConstants;
  private readonly weightDecay: number;
  private readonly step: Tensor;
  /** The counter, where it is its own. */
  private readonly ownStep?: Variable;

  /**
   * Allocates the moments m and v, zeros of the arena's shape.
   * @param state Owns the moments. @param name Of the moments in checkpoints.
   * @param parameters What is updated. @param options Learning rate (default 1e-3), β1 (0.9),
   *   β2 (0.999), ε (1e-8), the number of steps over which the rate decays to 0 along a cosine
   *   (default 0: constant) or between its falls by a factor (0: the cosine), weight decay (0), and a step counter that is shared (default: one of its
   *   own).
   * @throws {RangeError} for weight decay at a rate that decays.
   */
  constructor(
    state: State,
    name: string,
    readonly parameters: ParameterBlock,
    { step, weightDecay = 0, ...options }: AdamOptions = {},
  ) {
    const { decaySteps = 0 } = options;
    if (weightDecay > 0 && decaySteps > 0) {
      throw new RangeError(
        `Adam: a weightDecay, ${weightDecay}, needs a constant rate: decaySteps 0, not ${decaySteps}`,
      );
    }
    this.weightDecay = weightDecay;
    if (!step) this.ownStep = state.variable(`${name}.step`, [1], { dtype: "u32" });
    this.step = step ?? this.ownStep!;
    this.constants = {
      learningRate: 1e-3,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      decayFactor: 0,
      leastShare: 0,
      ...options,
      decaySteps,
    };
    this.m = state.variable(`${name}.m`, parameters.arena.shape);
    this.v = state.variable(`${name}.v`, parameters.arena.shape);
  }

  /** Inside `trace`: one step of Adam by the gradient of `loss`, a scalar. */
  minimize(loss: Tensor): void {
    minimizeTogether(loss, [this]);
  }

  /** Inside `trace`: one step of Adam by a gradient of the arena's shape. */
  update(gradient: Tensor): void {
    const { parameters: { arena }, weightDecay, constants } = this;
    if (weightDecay > 0) assign(arena, scale(arena, 1 - constants.learningRate * weightDecay));
    applyAdam([arena, gradient, this.m, this.v], this.step, constants);
    if (this.ownStep) advance(this.ownStep);
  }

  /**
   * Inside `trace`: takes over the moments of another one of the same parameters; the number of its
   * steps is the caller's to take over.
   * @param factor How many times as large this one's gradients are.
   */
  continueFrom({ m, v }: Adam, factor = 1): void {
    assign(this.m, scale(m, factor));
    assign(this.v, scale(v, factor ** 2));
  }
}

/** Stochastic gradient descent with classical momentum: v ← μ·v − η·g, w ← w + v. */
export class Sgd implements Optimizer {
  private readonly v: Variable;
  private readonly constants: SgdConstants;

  /**
   * Allocates the velocity v, zeros of the arena's shape.
   * @param state Owns the velocity. @param name Of the velocity in checkpoints.
   * @param parameters What is updated. @param options Learning rate (0.01) and momentum (0).
   */
  constructor(
    state: State,
    name: string,
    readonly parameters: ParameterBlock,
    options: Partial<SgdConstants> = {},
  ) {
    this.constants = { learningRate: 0.01, momentum: 0, ...options };
    this.v = state.variable(`${name}.velocity`, parameters.arena.shape);
  }

  /** Inside `trace`: one step of momentum descent by the gradient of `loss`, a scalar. */
  minimize(loss: Tensor): void {
    minimizeTogether(loss, [this]);
  }

  /** Inside `trace`: one step of momentum descent by a gradient of the arena's shape. */
  update(gradient: Tensor): void {
    applySgd([this.parameters.arena, gradient, this.v], this.constants);
  }
}
