/** Pre-trainings that several methods' profiles have in common. */
import type { ArchitectureOptions } from "../networks/autoencoder.ts";
import type { PretrainingOptions } from "./pretraining_options.ts";

/** Rows as they are. */
export const UNAUGMENTED: Partial<PretrainingOptions> = { rotation: 0, shift: 0 };

/**
 * DEC's code for MNIST, which IDEC and VaDE start from too: the published network and stacked
 * denoising, for pixels × 0.02. Its rate of 0.1 is one for the error of its fork of Caffe, ½Σ/(n·d): by
 * Caffe's own, ½Σ/n, every unit is dead after some ten steps. Two things of its solver are left out:
 * momentum is 0.9 from the first step, where the code lets it grow over 1000, and biases have the rate
 * of weights, where the code's have twice that.
 */
export const STACKED_DENOISING: Partial<ArchitectureOptions & PretrainingOptions> = {
  ...UNAUGMENTED,
  hidden: [500, 500, 2000],
  initializer: "normal",
  stackedSteps: 50_000,
  pretrainSteps: 100_000,
  pretrainOptimizer: "sgd",
  pretrainLearningRate: 0.1,
  pretrainDropSteps: 20_000,
  pretrainError: "halfMean",
};
