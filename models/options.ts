/** Options of methods as data: defaults, ranges and sources in one place, for code, CLI and docs. */

/** A value of an option. */
export type OptionValue = number | string | boolean | readonly number[];

/** One option of a method. */
export interface OptionSpec {
  /** Field name, camelCase; the CLI's is its kebab-case. */
  readonly name: string;
  /** `integers` is a list such as 500,500,2000. */
  readonly type: "integer" | "number" | "boolean" | "choice" | "integers";
  /** The value where neither a profile nor the caller gives one. */
  readonly default: OptionValue;
  /** What it does, with its unit. */
  readonly description: string;
  /** Where the default comes from. */
  readonly source?: string;
  /** Legal values of a `choice`. */
  readonly choices?: readonly string[];
  /** Smallest legal value. */
  readonly min?: number;
  /** Largest legal value. */
  readonly max?: number;
}

/** Values of options, by name. */
export type OptionValues = Readonly<Record<string, OptionValue>>;

/** A named set of values. */
export interface Profile {
  /** What it is for, in a line. */
  readonly description: string;
  /** The options that differ from their defaults. */
  readonly values: OptionValues;
}

/**
 * Defaults, overlaid by a profile, overlaid by the given values; all checked.
 * @throws {RangeError} naming the option, the value and what would be right.
 * @throws {TypeError} for a value of the wrong kind.
 */
export function resolveOptions(
  method: string,
  specs: readonly OptionSpec[],
  profile: OptionValues,
  given: Readonly<Record<string, unknown>>,
): Record<string, OptionValue> {
  const known = new Map(specs.map((spec) => [spec.name, spec]));
  const merged: Record<string, OptionValue> = {};
  for (const spec of specs) merged[spec.name] = spec.default;
  for (const source of [profile, given]) {
    for (const [name, value] of Object.entries(source)) {
      if (value === undefined) continue;
      const spec = known.get(name);
      if (!spec) {
        throw new RangeError(
          `${method}: there is no option ${name}; the options are ${[...known.keys()].join(", ")}`,
        );
      }
      merged[name] = checkOption(method, spec, value);
    }
  }
  return merged;
}

function checkOption(method: string, spec: OptionSpec, value: unknown): OptionValue {
  const { name, type, choices, min = -Infinity, max = Infinity } = spec;
  const fail = (wanted: string): never => {
    throw new RangeError(`${method}: ${name} must be ${wanted}, got ${JSON.stringify(value)}`);
  };
  const inRange = (x: unknown, integer: boolean): x is number =>
    typeof x === "number" && !Number.isNaN(x) && x >= min && x <= max &&
    (!integer || Number.isInteger(x));
  const range = (min > -Infinity ? ` ≥ ${min}` : "") +
    (max < Infinity ? `${min > -Infinity ? " and" : ""} ≤ ${max}` : "");
  switch (type) {
    case "integer":
      return inRange(value, true) ? value : fail(`an integer${range}`);
    case "number":
      return inRange(value, false) ? value : fail(`a number${range}`);
    case "boolean":
      return typeof value === "boolean" ? value : fail("true or false");
    case "choice":
      return choices!.includes(value as string)
        ? value as string
        : fail(`one of ${choices!.join(", ")}`);
    case "integers":
      return Array.isArray(value) && value.length > 0 && value.every((x) => inRange(x, true))
        ? value
        : fail(`a list of integers${range}`);
  }
}
