/** A method's options as command-line options, and back. */
import type { Command } from "commander";
import type { Estimator } from "../models/estimator.ts";
import type { Method } from "../models/method.ts";
import {
  kebabCase,
  OptionError,
  type OptionSpec,
  type OptionValue,
  type OptionValues,
  renamed,
} from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { PRETRAINING_OPTIONS } from "../models/training/pretraining_options.ts";
import { usageError } from "./errors.ts";
import { unknownName } from "./suggest.ts";

export { kebabCase };

/** The value of an option before the command line is parsed: the last one that is given, as then. */
export function valueOf(args: readonly string[], flag: string): string | undefined {
  const at = args.findLastIndex((arg) => arg === flag || arg.startsWith(`${flag}=`));
  if (at < 0) return undefined;
  return args[at] === flag ? args[at + 1] : args[at].slice(flag.length + 1);
}

/** How help names the value of an option, by its type. */
const VALUE_NAMES = {
  choice: "<name>",
  integer: "<n>",
  integers: "<n,n,…>",
  namedNumber: "<x|name>",
  number: "<x>",
} as const;

/** An option as help shows it. */
export type ShownSpec = OptionSpec & {
  /** In place of the default. */
  readonly shownDefault?: string;
};

const PRETRAINING = Object.keys(PRETRAINING_OPTIONS);

/** Adds every option of a method. Values that are not given stay undefined. */
export function addMethodOptions(
  command: Command,
  { name, options }: { readonly name: string; readonly options: readonly ShownSpec[] },
): void {
  const pretrains = options.some((spec) => spec.name === "pretrainSteps");
  for (const spec of options) {
    const isShared = pretrains && PRETRAINING.includes(spec.name);
    const flag = `--${kebabCase(spec.name)}`;
    const option = command.createOption(flagsOf(spec, flag), describe(spec));
    option.argParser((text) => parseOption(spec, text));
    command.addOption(
      option.helpGroup(isShared ? "Pre-training and batches:" : `Options of ${name}:`),
    );
    if (spec.type === "boolean") {
      command.addOption(command.createOption(`--no-${kebabCase(spec.name)}`).hideHelp());
    }
  }
}

function flagsOf({ type }: OptionSpec, flag: string): string {
  if (type === "boolean") return `${flag} [true|false]`;
  return `${flag} ${VALUE_NAMES[type]}`;
}

function describe(spec: ShownSpec): string {
  const { description, default: value, source } = spec;
  const text = spec.shownDefault ?? (Array.isArray(value) ? value.join(",") : String(value));
  return `${description}${namesOf(spec)} (default: ${text}${
    source === undefined ? "" : `; ${source}`
  })`;
}

/** What an option may be, where that has names: after its description. */
function namesOf(spec: OptionSpec): string {
  switch (spec.type) {
    case "choice":
      return `: ${spec.choices.join(", ")}`;
    case "namedNumber":
      return `: a number, ${spec.names.join(", ")}`;
    default:
      return "";
  }
}

/**
 * The value that a text stands for.
 * @throws {Failure} for a text that is no such value; ranges are checked by `resolveOptions`.
 */
export function parseOption(spec: OptionSpec, text: string): OptionValue {
  const flag = `--${kebabCase(spec.name)}`;
  switch (spec.type) {
    case "boolean":
      if (text === "true" || text === "false") return text === "true";
      throw usageError(`${flag} takes true or false, got ${JSON.stringify(text)}`);
    case "choice":
      if (spec.choices.includes(text)) return text;
      throw usageError(unknownName(`value of ${flag}`, text, spec.choices));
    case "integers":
      return text.split(",").map((part) => parseNumber(flag, part, "a list such as 500,500,2000"));
    case "integer":
      return parseInteger(flag, text);
    case "number":
      return parseNumber(flag, text, "a number");
    case "namedNumber":
      if (spec.names.includes(text)) return text;
      return parseNumber(flag, text, `a number or ${spec.names.join(" or ")}`);
  }
}

/** A decimal number. @throws {Failure} for anything else. */
export function parseNumber(flag: string, text: string, wanted: string): number {
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text.trim())) return Number(text);
  throw usageError(`${flag} takes ${wanted}, got ${JSON.stringify(text)}`);
}

/** An integer of at least `min`. @throws {Failure} for anything else. */
export function parseInteger(flag: string, text: string, min = -Infinity): number {
  const wanted = min === -Infinity ? "an integer" : `an integer ≥ ${min}`;
  const value = parseNumber(flag, text, wanted);
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw usageError(`${flag} takes ${wanted}, got ${text}`);
}

/** For commander: an option that takes an integer of at least `min`. */
export function integerOption(flag: string, min: number): (text: string) => number {
  return (text) => parseInteger(flag, text, min);
}

/**
 * Adds, unseen, the options that only other methods have: one that is given is told whose it is.
 * @param names Of the methods whose options the command has. @param own Their options.
 */
export function addOthersOptions(
  command: Command,
  names: readonly string[],
  own: readonly OptionSpec[],
): void {
  const methods = Object.values(METHODS);
  const known = new Set([
    ...own.map(({ name }) => name),
    ...command.options.map((option) => option.attributeName()),
  ]);
  const others = new Set(methods.flatMap(({ options }) => options.map(({ name }) => name)));
  for (const name of others.difference(known)) {
    const flag = kebabCase(name);
    command.addOption(command.createOption(`--${flag} [value]`).hideHelp());
    command.on(`option:${flag}`, () => {
      const owners = methods.filter(({ options }) => options.some((spec) => spec.name === name));
      throw usageError(
        `--${flag} is no option of ${names.join(", ")}; ` +
          `${owners.map(({ name }) => name).join(", ")} ${owners.length === 1 ? "has" : "have"} it`,
      );
    });
  }
}

/** What of the given options has no effect beside the others, for people. */
export function unusedOptions(
  method: Pick<Method, "options">,
  given: OptionValues,
  options: OptionValues,
): string[] {
  return method.options.flatMap(({ name, unusedWhere }) => {
    if (given[name] === undefined || unusedWhere === undefined) return [];
    const [other, value] = unusedWhere;
    if (options[other] !== value) return [];
    return [`--${kebabCase(name)} has no effect where --${kebabCase(other)} is ${value}`];
  });
}

/** Of what the command line gave, the method's own options. */
export function givenOptions(
  { options }: Pick<Method, "options">,
  values: Readonly<Record<string, unknown>>,
): Record<string, OptionValue> {
  const given = options.flatMap(({ name }) =>
    values[name] === undefined ? [] : [[name, values[name] as OptionValue]]
  );
  return Object.fromEntries(given);
}

/**
 * The values of a profile, overlaid by what is given.
 * @throws {Failure} for a profile that the method does not have.
 */
export function profileOptions(
  { name, profiles }: Pick<Method, "name" | "profiles">,
  profile: string,
  given: OptionValues,
): Readonly<Partial<OptionValues>> {
  if (Object.hasOwn(profiles, profile)) return { ...profiles[profile].values, ...given };
  throw usageError(unknownName(`profile of ${name}`, profile, Object.keys(profiles)));
}

/**
 * What `make` makes of options.
 * @throws {Failure} for values out of range and options that do not go together, named as they are typed.
 */
export function checkedOptions<T>(method: Pick<Method, "options">, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw usageOf(method, error);
  }
}

/** What is thrown for an error of which options may be the reason: that it is one of usage. */
export function usageOf(method: Pick<Method, "options">, error: unknown): unknown {
  if (error instanceof OptionError) {
    return usageError(`--${kebabCase(error.option)} ${error.problem}`);
  }
  return error instanceof RangeError ? usageError(asTyped(method, error.message)) : error;
}

/** What a method says, with its options named as they are typed. */
export function asTyped({ options }: Pick<Method, "options">, text: string): string {
  return renamed(options, text, (name) => `--${kebabCase(name)}`);
}

/**
 * The estimator of a profile, overlaid by what is given: where a command's options are resolved.
 * @throws {Failure} for an unknown profile, and for options that the method refuses.
 */
export function estimatorOf(
  method: Method,
  profile: string,
  given: OptionValues,
): Estimator<OptionValues> {
  const values = profileOptions(method, profile, given);
  return checkedOptions(method, () => method.create(values));
}
