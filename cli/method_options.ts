/** A method's options as command-line options, and back. */
import type { Command } from "commander";
import {
  type OptionSpec,
  type OptionValue,
  type OptionValues,
  resolveOptions,
} from "../models/options.ts";
import type { Method } from "../models/method.ts";
import { PRETRAINING_OPTIONS } from "../models/training/pretraining_options.ts";
import { type Failure, usageError } from "./errors.ts";
import { unknownName } from "./suggest.ts";

/** The value of an option before the command line is parsed. */
export function valueOf(args: readonly string[], flag: string): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (arg === flag) return args[i + 1];
    if (arg.startsWith(`${flag}=`)) return arg.slice(flag.length + 1);
  }
}

/** `batchSize` -> `batch-size` */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** How help names the value of an option, by its type. */
const VALUE_NAMES = {
  choice: "<name>",
  integer: "<n>",
  integers: "<n,n,…>",
  number: "<x>",
} as const;

const PRETRAINING = PRETRAINING_OPTIONS.map((spec) => spec.name);

/** Adds every option of a method. Values that are not given stay undefined. */
export function addMethodOptions(
  command: Command,
  { name, options }: Pick<Method, "name" | "options">,
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

function describe({ description, default: value, choices, source }: OptionSpec): string {
  const text = Array.isArray(value) ? value.join(",") : String(value);
  const names = choices === undefined ? "" : `: ${choices.join(", ")}`;
  return `${description}${names} (default: ${text}${source === undefined ? "" : `; ${source}`})`;
}

/**
 * The value that a text stands for.
 * @throws {Failure} for a text that is no such value; ranges are checked by `resolveOptions`.
 */
export function parseOption(spec: OptionSpec, text: string): OptionValue {
  const { name, type, choices } = spec;
  const flag = `--${kebabCase(name)}`;
  switch (type) {
    case "boolean":
      if (text === "true" || text === "false") return text === "true";
      throw usageError(`${flag} takes true or false, got ${JSON.stringify(text)}`);
    case "choice":
      if (choices!.includes(text)) return text;
      throw usageError(unknownName(`value of ${flag}`, text, choices!));
    case "integers":
      return text.split(",").map((part) => parseNumber(flag, part, "a list such as 500,500,2000"));
    case "integer":
      return parseInteger(flag, text);
    case "number":
      return parseNumber(flag, text, "a number");
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
 * All options of a method: defaults, the profile, what is given.
 * @throws {Failure} for a profile that the method does not have, and values out of range.
 */
export function resolve(
  method: Pick<Method, "name" | "options" | "profiles">,
  profile: string,
  given: OptionValues,
): Record<string, OptionValue> {
  if (!Object.hasOwn(method.profiles, profile)) {
    throw usageError(
      unknownName(`profile of ${method.name}`, profile, Object.keys(method.profiles)),
    );
  }
  try {
    return resolveOptions(method.name, method.options, method.profiles[profile].values, given);
  } catch (error) {
    throw inFlags(method, error);
  }
}

/** The message with the option's name as it is typed. */
function inFlags({ name, options }: Pick<Method, "name" | "options">, error: unknown): Failure {
  const { message } = error as Error;
  const spec = options.find((option) => message.startsWith(`${name}: ${option.name} `));
  return usageError(
    spec === undefined
      ? message
      : `--${kebabCase(spec.name)}${message.slice(`${name}: ${spec.name}`.length)}`,
  );
}
