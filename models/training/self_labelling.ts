/**
 * Self-labelling: a classifier learns a partition from its sure rows and labels the others. Unsure rows
 * wait; one becomes sure where the classifier is confident of it as it is, by the rule by which DynAE
 * calls a row unconflicted (arXiv 1901.07752, eq. 6), and is then learnt from augmented copies, as
 * the others are (SCAN's third step, arXiv 2005.12320; FixMatch, arXiv 2001.07685).
 */
import { sureRows } from "../graph/sure_rows.ts";
import type { Fitting, Network } from "./deep_estimator.ts";
import type { ClassifierOptions } from "./self_labelling_options.ts";
import { SureClassifier } from "./sure_classifier.ts";

/** Classifiers, one after the other; made before a checkpoint is restored. */
export class SelfLabelling {
  private readonly rounds: readonly SureClassifier[];

  /** Makes the variables. @param fitting Whose rows. @param options See there. */
  constructor(
    private readonly fitting: Pick<Fitting<Network>, "training" | "samples" | "rows">,
    options: ClassifierOptions,
  ) {
    const { selfLabelRounds: length } = options;
    this.rounds = Array.from({ length }, (_, i) => new SureClassifier(fitting, options, i + 1));
  }

  /** Gives it a partition. @param labels [N], in [0, K). @param sure 1 where a row's label is to be learnt. */
  write(labels: Uint32Array, sure: Uint8Array): void {
    this.rounds[0].write(labels, sure);
  }

  /** Trains, and labels every row by the last classifier's most probable cluster: [N]. */
  async run(): Promise<Uint32Array> {
    const { fitting: { training }, rounds } = this;
    for (const [i, round] of rounds.entries()) {
      if (i > 0) {
        await training.once(`what round ${i + 1} of self-labelling learns`, async () => {
          const before = rounds[i - 1];
          using logits = await before.logits();
          const labels = await before.labels(logits);
          const { signal } = training.context;
          round.write(labels, await sureRows(training.backend, logits.table, labels, signal));
          return null;
        });
      }
      await round.train();
    }
    const last = rounds[rounds.length - 1];
    using logits = await last.logits();
    return await last.labels(logits);
  }
}
