/** Random masks and normal numbers, new at every step, from the counter-based generator. */
import type { Shape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { affine, scale } from "./affine.ts";
import { mul, reluGradient } from "./binary.ts";
import { randomUniform, type Stream } from "./random.ts";
import { cos, log, relu, sqrt } from "./unary.ts";

/**
 * x with each element set to 0 with probability `rate`, the others divided by 1 − rate (inverted
 * dropout, Srivastava et al., JMLR 2014): the expectation is x. The gradient is masked and scaled
 * alike.
 * @param x Any shape. @param rate In [0, 1). @param step The counter, u32 [1].
 * @throws {RangeError} where the rate is outside.
 */
export function dropout(x: Tensor, rate: number, step: Tensor, stream: Stream): Tensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`dropout: the rate must be in [0, 1), got ${rate}`);
  }
  return rate === 0 ? x : masked(scale(x, 1 / (1 - rate)), rate, step, stream);
}

/**
 * x with each element set to 0 with probability `rate`, the others as they are: masking noise of
 * denoising autoencoders (Vincent et al., JMLR 2010).
 * @param x Any shape. @param rate In [0, 1]. @param step The counter, u32 [1].
 * @throws {RangeError} where the rate is outside.
 */
export function maskNoise(x: Tensor, rate: number, step: Tensor, stream: Stream): Tensor {
  if (!(rate >= 0 && rate <= 1)) {
    throw new RangeError(`maskNoise: the rate must be in [0, 1], got ${rate}`);
  }
  return rate === 0 ? x : masked(x, rate, step, stream);
}

/** Tells the stream of the angles from that of the radii. */
const ANGLES = 0x8000_0000;

/**
 * Independent standard normal numbers of `shape`, of magnitude below 5.8, by the transform of Box
 * and Muller (1958): √(−2 log u)·cos 2πv, with u in (0, 1] from `stream` and v in [0, 1) from the
 * stream whose number differs in the highest bit.
 * @param step The counter, u32 [1].
 */
export function randomNormal(step: Tensor, shape: Shape, { seed, stream }: Stream): Tensor {
  const u = affine(randomUniform(step, shape, { seed, stream }), -1, 1);
  const v = { seed, stream: (stream ^ ANGLES) >>> 0, high: 2 * Math.PI };
  // Near 1 a device's logarithm may be above 0.
  const radius = sqrt(relu(scale(log(u), -2)));
  return mul(radius, cos(randomUniform(step, shape, v)));
}

/** x where a uniform number is above the rate, else 0. */
function masked(x: Tensor, rate: number, step: Tensor, stream: Stream): Tensor {
  return reluGradient(x, affine(randomUniform(step, x.shape, stream), 1, -rate));
}
