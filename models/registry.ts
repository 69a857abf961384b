/** All methods, a row each: the CLI's names, options and help, and the generic checks, follow. */
import { AE_KMEANS } from "./ae_kmeans.ts";
import { DYNAE } from "./dynae.ts";
import type { Estimator } from "./estimator.ts";
import { KMEANS } from "./kmeans_estimator.ts";
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
  /** Makes the estimator of resolved options. */
  create(options: OptionValues): Estimator;
}

/** Methods by name. */
export const METHODS: Readonly<Record<string, Method>> = Object.fromEntries(
  [DYNAE, AE_KMEANS, KMEANS].map((method) => [method.name, method]),
);
