/** What the registry knows of a method. */
import type { LossAudit } from "./audit_scene.ts";
import type { Estimator } from "./estimator.ts";
import type { OptionSpec, OptionValues, Profile } from "./options.ts";

/** A method as the CLI and the checks see it. */
export interface Method {
  /** The CLI's name: `train --model NAME`. */
  readonly name: string;
  /** One line for --help. */
  readonly summary: string;
  /** The paper. */
  readonly citation: string;
  /** Every option, with the default that holds where a profile says nothing. */
  readonly options: readonly OptionSpec[];
  /** By name; `default` is what is used unasked. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Its losses by name, for the gradient audit; none where nothing is descended. */
  readonly losses: Readonly<Record<string, LossAudit>>;
  /** False where a label need not be that of the centre nearest to the code. */
  readonly labelsAreNearest?: false;
  /** Whether samples must have a height and a width. */
  readonly needsImages?: true;
  /** Whether a network is pre-trained; absent: where there are steps of pre-training. */
  pretrains?(options: OptionValues): boolean;
  /** Makes the estimator of resolved options. */
  create(options: OptionValues): Estimator;
}
