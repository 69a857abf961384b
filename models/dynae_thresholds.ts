/** DynAE's thresholds, by which a sample is conflicted: they drop whenever the centroids are computed. */
import type { ThresholdSchedule } from "./dynae_options.ts";

/** Thresholds and counts: the host's part of the clustering phase. */
export interface Schedule {
  /** κ/K */
  kappa: number;
  beta1: number;
  beta2: number;
  /** ∇κ/K, by which the thresholds drop next. */
  drop: number;
  /** Conflicted samples at the last check; N before the first. */
  conflicted: number;
  /** Computations of the centroids so far. */
  updates: number;
}

/**
 * The thresholds after a drop, and what the next drop will be; kappa and drop as shares of K. From
 * (β1, β2) = (.30, .15) the code's go to (.21, .06), (.12, −.03), where every sample is unconflicted,
 * and the paper's to (.21, .06), (.183, .033), (.175, .025), never so far.
 */
export function dropThresholds(
  { kappa, beta1, beta2, drop }: Pick<Schedule, "kappa" | "beta1" | "beta2" | "drop">,
  schedule: ThresholdSchedule,
): { kappa: number; beta1: number; beta2: number; drop: number } {
  if (schedule === "paper") {
    const step = 0.3 * kappa;
    return { kappa: step, beta1: beta1 - step, beta2: beta2 - step, drop: 0.3 * step };
  }
  // The code drops by ∇κ as it was, then sets ∇κ from κ before κ itself.
  return { kappa: 0.3 * kappa, beta1: beta1 - drop, beta2: beta2 - drop, drop: 0.3 * kappa };
}
