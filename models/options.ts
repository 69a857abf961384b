/** Options of methods as data: defaults, ranges and sources in one place, for code, CLI and docs. */

/** A value of an option. */
export type OptionValue = number | string | boolean | readonly number[];

/** Values of options, by name. */
export type OptionValues = Readonly<Record<string, OptionValue>>;

/** What every description says. */
export interface Described<V> {
  /** The value where neither a profile nor the caller gives one. */
  readonly default: V;
  /** What it does, with its unit. */
  readonly description: string;
  /** Where the default comes from. */
  readonly source?: string;
  /** The other option, and its value, beside which this one has no effect. */
  readonly unusedWhere?: readonly [option: string, value: OptionValue];
}

/** What numbers must lie within. */
export interface Ranged {
  /** Smallest legal value. */
  readonly min?: number;
  /** Largest legal value. */
  readonly max?: number;
}

/** Of a number. */
export interface NumberSpec extends Described<number>, Ranged {
  /** Whether it must be whole. */
  readonly type: "integer" | "number";
}

/** Of a list such as 500,500,2000. */
export interface IntegersSpec extends Described<readonly number[]>, Ranged {
  /** The range is each element's. */
  readonly type: "integers";
}

/** Of a switch. */
export interface BooleanSpec extends Described<boolean> {
  /** True or false. */
  readonly type: "boolean";
}

/** Of one name among several. */
export interface ChoiceSpec<V extends string = string> extends Described<V> {
  /** One of `choices`. */
  readonly type: "choice";
  /** Legal values. */
  readonly choices: readonly V[];
}

/** Of a number, or of a name for one that the data decide. */
export interface NamedNumberSpec<N extends string = string> extends Described<number | N>, Ranged {
  /** The range is the number's. */
  readonly type: "namedNumber";
  /** Legal names. */
  readonly names: readonly N[];
}

/** What describes an option whose values are of type V. */
export type SpecOf<V> = [V] extends [boolean] ? BooleanSpec
  : [V] extends [number] ? NumberSpec
  : [V] extends [string] ? ChoiceSpec<V>
  : [V] extends [readonly number[]] ? IntegersSpec
  : [V] extends [number | string] ? NamedNumberSpec<Extract<V, string>>
  : never;

/** A description of every option of O, by field name in camelCase; the CLI's names are in kebab-case. */
export type Specs<O> = { readonly [N in keyof O]-?: SpecOf<O[N]> };

/** An option whose type is not known. */
export type AnySpec = NumberSpec | IntegersSpec | BooleanSpec | ChoiceSpec | NamedNumberSpec;

/** The same with its name. */
export type OptionSpec = AnySpec & {
  /** Field name, camelCase. */
  readonly name: string;
};

/** A named set of values. */
export interface Profile<O = OptionValues> {
  /** What it is for, in a line. */
  readonly description: string;
  /** The options that differ from their defaults. */
  readonly values: Readonly<Partial<O>>;
}

/** A value that an option cannot take, or an option that is none. */
export class OptionError extends RangeError {
  /** The class's name. */
  override name = "OptionError";

  /**
   * The message is "METHOD: OPTION PROBLEM".
   * @param method Whose option. @param option Its field name. @param problem What is wrong and what
   *   would be right, to follow the option's name.
   */
  constructor(
    method: string,
    /** Field name, camelCase. */
    readonly option: string,
    /** What is wrong and what would be right. */
    readonly problem: string,
  ) {
    super(`${method}: ${option} ${problem}`);
  }
}

/**
 * Defaults, overlaid by the given values; all checked.
 * @param given What differs; undefined counts as not given.
 * @throws {OptionError} naming the option, the value and what would be right.
 */
export function resolveOptions<O>(method: string, specs: Specs<O>, given: Partial<O>): O {
  const known: Readonly<Record<string, AnySpec>> = specs;
  const resolved: Record<string, OptionValue> = {};
  for (const [name, spec] of Object.entries(known)) resolved[name] = spec.default;
  for (const [name, value] of Object.entries<unknown>(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(", ");
      throw new OptionError(method, name, `is no option; the options are ${names}`);
    }
    const wanted = wantedInstead(known[name], value);
    if (wanted !== undefined) {
      // JSON has no NaN and no Infinity.
      const text = typeof value === "number" ? String(value) : JSON.stringify(value);
      const problem = `must be ${wanted}, got ${text}`;
      throw new OptionError(method, name, problem);
    }
    resolved[name] = value as OptionValue;
  }
  // Every key of O has a spec, and every value has passed it.
  return resolved as O;
}

/** What a value would have to be; undefined where it is. */
function wantedInstead(spec: AnySpec, value: unknown): string | undefined {
  switch (spec.type) {
    case "integer":
      return isWithin(spec, value) && Number.isInteger(value)
        ? undefined
        : `an integer${rangeOf(spec)}`;
    case "number":
      return isWithin(spec, value) ? undefined : `a number${rangeOf(spec)}`;
    case "namedNumber":
      return isWithin(spec, value) || spec.names.some((name) => name === value)
        ? undefined
        : `a number${rangeOf(spec)}, or ${spec.names.join(" or ")}`;
    case "boolean":
      return typeof value === "boolean" ? undefined : "true or false";
    case "choice":
      return spec.choices.some((choice) => choice === value)
        ? undefined
        : `one of ${spec.choices.join(", ")}`;
    case "integers":
      return Array.isArray(value) && value.length > 0 &&
          value.every((x) => isWithin(spec, x) && Number.isInteger(x))
        ? undefined
        : `a list of integers${rangeOf(spec)}`;
  }
}

function isWithin({ min = -Infinity, max = Infinity }: Ranged, value: unknown): boolean {
  return Number.isFinite(value) && Number(value) >= min && Number(value) <= max;
}

function rangeOf({ min, max }: Ranged): string {
  const bounds = [min === undefined ? "" : ` ≥ ${min}`, max === undefined ? "" : ` ≤ ${max}`];
  return bounds.filter((bound) => bound !== "").join(" and");
}

/** An option's name as the command line has it: `batchSize` -> `batch-size`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** An option's name as words: pretrain steps. */
export function wordsOf(name: string): string {
  return kebabCase(name).replaceAll("-", " ");
}

/**
 * What a method says, with its options named otherwise: those in backquotes, and those whose names are
 * of several words.
 */
export function renamed(
  options: readonly { readonly name: string }[],
  text: string,
  nameOf: (name: string) => string,
): string {
  return options.reduce((text, { name }) => {
    const word = /[A-Z]/.test(name) ? `|(?<![\\w-])${name}(?![\\w-])` : "";
    return text.replace(new RegExp(`\`${name}\`${word}`, "g"), nameOf(name));
  }, text);
}
