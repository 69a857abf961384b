/**
 * Layer-by-layer pre-training (Vincent et al., JMLR 11, 2010), as in DEC's code (Xie et al.,
 * arXiv 1511.06335): each layer of the encoder and the decoder's that undoes it are a denoising
 * autoencoder of what the layers before make of the data, those being frozen.
 */
import type { ParameterBlock, Parameters } from "../../engine/network/module.ts";
import { dropout } from "../../engine/ops/noise.ts";
import { STREAM } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor/tensor.ts";
import type { Autoencoder, LayerPair } from "../networks/autoencoder.ts";
import type { Augmentation } from "./batches.ts";
import type { Batch, Losses } from "./phase.ts";
import type { PretrainingOptions } from "./pretraining_options.ts";
import { PretrainingPhase, reconstructionError } from "./pretraining_phase.ts";
import type { Rows } from "./rows.ts";
import type { Training } from "./trainer.ts";

/** Drops values of a tensor; a stream's differ from another's. */
export type Drop = (x: Tensor, stream: number) => Tensor;

/**
 * What a layer pair makes of h [n, inputs]: drop → W → ReLU → drop → W′ → ReLU. The data are neither
 * dropped nor reconstructed through a ReLU; the code has neither ReLU nor dropout.
 * @param ends Whether the pair's input are the data, and its units the code.
 */
export function reconstructByPair(
  h: Tensor,
  { encoder, decoder }: LayerPair,
  ends: { readonly isFirst: boolean; readonly isLast: boolean },
  drop: Drop,
): Tensor {
  const units = encoder.apply(ends.isFirst ? h : drop(h, STREAM.inputDropout));
  return decoder.apply(ends.isLast ? units : drop(units, STREAM.hiddenDropout));
}

/** A phase for each layer pair; its variables are made before a checkpoint is restored. */
export class StackedPretraining {
  private readonly phases: readonly PretrainingPhase<"reconstruction">[];

  /** @param training Owns the variables. @param net What is trained. @param options See there. */
  constructor(
    training: Training,
    private readonly net: Autoencoder,
    private readonly augmentation: Augmentation | undefined,
    private readonly options: PretrainingOptions,
  ) {
    this.phases = net.layerPairs.map((pair, i) => {
      const prefix = `layer ${i + 1}`;
      const settings = {
        name: `pre-training, ${prefix}`,
        prefix,
        steps: options.stackedSteps,
        parameters: {
          [`${prefix} encoder`]: blockOf(net.parameters, pair.encoder),
          [`${prefix} decoder`]: blockOf(net.parameters, pair.decoder),
        },
        terms: ["reconstruction"],
      } as const;
      return new PretrainingPhase(training, settings, options);
    });
  }

  /** Runs the phases to their ends, from the data to the code. */
  async run(rows: Rows): Promise<void> {
    for (const [i, phase] of this.phases.entries()) {
      await phase.run(rows, (batch) => this.losses(batch, i));
    }
  }

  /** Inside `trace`: the loss of pair `index` on a batch. */
  private losses({ x, step }: Batch, index: number): Losses<"reconstruction"> {
    const { net: { layerPairs }, options } = this;
    const { pretrainError, stackedDropout, seed } = options;
    const input = this.augmentation?.apply(x, step) ?? x;
    const h = layerPairs.slice(0, index).reduce((h, { encoder }) => encoder.apply(h), input);
    const ends = { isFirst: index === 0, isLast: index === layerPairs.length - 1 };
    const drop: Drop = (x, stream) => dropout(x, stackedDropout, step, { seed, stream });
    const reconstructed = reconstructByPair(h, layerPairs[index], ends, drop);
    const reconstruction = reconstructionError(reconstructed, h, pretrainError);
    return { reconstruction, total: reconstruction };
  }
}

/** Weight and bias of a layer, which an optimiser of their own updates where they are. */
function blockOf(parameters: Parameters, { variables }: LayerPair["encoder"]): ParameterBlock {
  return parameters.part([variables.weight, variables.bias]);
}
