/** What the registry knows of a method. */
import type { LossAudit } from "./audit_scene.ts";
import type { Estimator } from "./estimator.ts";
import type { WarningFacts } from "./evaluation/diagnostics.ts";
import {
  type AnySpec,
  kebabCase,
  type OptionSpec,
  type OptionValues,
  type Profile,
  type Specs,
} from "./options.ts";

/** What comes before a method's clustering. */
export interface MethodPretraining<O = OptionValues> {
  /** Of which kind the network is: dense ones can be taken over from any other method's run. */
  readonly network: "dense" | "convolutional";
  /** Whether a run by these options, complete, pre-trains at all. */
  isUsed(options: O): boolean;
}

/** What holds of a method whatever its options are. */
export interface MethodFacts {
  /** The CLI's name: `train --model NAME`. */
  readonly name: string;
  /** One line for --help. */
  readonly summary: string;
  /** The paper. */
  readonly citation: string;
  /** Its losses by name, for the gradient audit; none where nothing is descended. */
  readonly losses: Readonly<Record<string, LossAudit>>;
  /** Whether it clusters the rows as they are, so that `transform` changes nothing. */
  readonly clustersRows?: true;
  /** What may keep its clusters from collapsing, for warnings: options as in code. */
  readonly againstCollapse?: string;
  /** What `predictProba` gives, for people; absent where assignments are hard. */
  readonly softAssignment?: string;
  /** False where a label need not be that of the centre nearest to the code. */
  readonly labelsAreNearest?: false;
  /** Whether samples must have a height and a width. */
  readonly needsImages?: true;
  /** Whether all rows must be in memory. */
  readonly needsAllRows?: true;
}

/** A method's row, with the type of its options. */
export interface MethodRow<O> extends MethodFacts {
  /** Every option, with the default that holds where a profile says nothing. */
  readonly options: Specs<O>;
  /** By name; `default` is what is used unasked. */
  readonly profiles: Readonly<Record<string, Profile<O>>>;
  /** Absent where nothing is ever pre-trained. */
  readonly pretraining?: MethodPretraining<O>;
  /** Whether options, complete, suit rows of d columns. @throws {RangeError} where they do not. */
  checkColumns?(options: O, d: number): void;
  /** Makes the estimator; what is not given is the default. */
  create(options: Partial<O>): Estimator<O>;
}

/** A method as the command line and the checks see it, one like another. */
export interface Method extends MethodFacts {
  /** Every option, with the default that holds where a profile says nothing. */
  readonly options: readonly OptionSpec[];
  /** By name; `default` is what is used unasked. */
  readonly profiles: Readonly<Record<string, Profile>>;
  /** Absent where nothing is ever pre-trained. */
  readonly pretraining?: MethodPretraining;
  /** Whether options, complete, suit rows of d columns. @throws {RangeError} where they do not. */
  checkColumns?(options: OptionValues, d: number): void;
  /**
   * Makes the estimator.
   * @param options What differs from the defaults. All of it is checked, once and here.
   * @throws {OptionError} naming the option, the value and what would be right.
   * @throws {RangeError} for options that do not go together.
   */
  create(options: Readonly<Partial<OptionValues>>): Estimator<OptionValues>;
}

/** Descriptions of options with their names, in order. */
export function namedSpecs<O>(specs: Specs<O>): OptionSpec[] {
  return Object.entries<AnySpec>(specs).map(([name, spec]) => ({ name, ...spec }));
}

/** A row without the type of its options: `create` checks their values. */
export function defineMethod<O extends object>(row: MethodRow<O>): Method {
  const { options, create, ...facts } = row;
  const method = {
    ...facts,
    options: namedSpecs(options),
    create: (given: Readonly<Partial<OptionValues>>) => create(given as Partial<O>),
  };
  // The options that go in and out here have passed the specs of this very row.
  return method as unknown as Method;
}

/** Of a model's options those that its method has: CM's model knows its network too. */
export function ownOptionsOf({ options }: Method, of: OptionValues): OptionValues {
  return Object.fromEntries(options.map(({ name }) => [name, of[name]]));
}

/** The options, complete, that are not as a profile of their method has them, as they are typed. */
export function typedOptionsOf(
  method: Method,
  profile: string,
  options: OptionValues,
): Record<string, string> {
  const usual = method.create(method.profiles[profile].values).options;
  return Object.fromEntries(
    Object.entries(options)
      .filter(([name, value]) => String(value) !== String(usual[name]))
      .map(([name, value]) => [`--${kebabCase(name)}`, String(value)]),
  );
}

/** What warnings depend on, of a run by these options, complete. */
export function warningFactsOf(method: Method, options: OptionValues): WarningFacts {
  const { clustersRows = false, pretraining, againstCollapse } = method;
  return {
    clustersRows,
    pretrains: pretraining?.isUsed(options) ?? false,
    options: method.options.map(({ name }) => name),
    ...againstCollapse !== undefined && { againstCollapse },
  };
}
