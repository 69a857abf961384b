/** `--config FILE`: values of options from a file; and `--print-config`, which writes one. */
import type { Command, Option } from "commander";
import { readConfig } from "./config_file.ts";
import { EXIT, Failure, usageError } from "./errors.ts";
import { kebabCase, valueOf } from "./method_options.ts";
import { isRepeated } from "./repeated.ts";
import { nearest } from "./suggest.ts";
import { writeOut } from "./terminal.ts";

/** Values of options by their names. */
export type Values = Readonly<Record<string, unknown>>;

/** The options that a file cannot give. */
const CONTROLS = ["config", "printConfig", "helpAll", "json", "debug"];

/**
 * Adds `--config` and `--print-config`, after all options that a hook may change.
 * @param completed All values of a command that is about to run.
 */
export function addConfigOptions(
  command: Command,
  completed: (values: Values) => Values = (values) => values,
): void {
  const files = command.name() === "train" ? "TOML, JSON, a run's run.json" : "TOML, JSON";
  command
    .option("--config <file>", `values of options: ${files}; given ones win`)
    .option("--print-config", "print all values as TOML for --config, and do nothing else")
    .hook("preAction", async () => {
      const values = command.opts<Values>();
      if (values.printConfig !== true) return;
      const known = Object.entries(completed(values))
        .filter(([name, value]) => value !== undefined && !CONTROLS.includes(name))
        .map(([name, value]) => [kebabCase(name), value]);
      const { stringify } = await import("smol-toml");
      writeOut(`${stringify(Object.fromEntries(known)).trim()}\n`);
      throw new Failure("", EXIT.ok);
    });
}

/**
 * The program and its whole command line: what the words say, then what the file of `--config` says of
 * other options.
 * @param programOf Makes the program for a command line.
 * @throws {Failure} for a file with a key that is no option, and a value that its option does not take.
 */
export async function configured(
  args: readonly string[],
  programOf: (args: readonly string[]) => Promise<Command>,
): Promise<{ program: Command; words: readonly string[] }> {
  const asksHelp = args.some((arg) => ["-h", "--help", "--help-all"].includes(arg));
  const path = asksHelp ? undefined : valueOf(args, "--config");
  const program = await programOf(args);
  const configurable = program.commands.find(takesConfig);
  if (path === undefined || configurable === undefined) return { program, words: args };
  const values = Object.entries(await readConfig(path, configurable.name()))
    .map(([key, value]) => [kebabCase(key), value] as const)
    .filter(([key]) => {
      return key === "config" || ![key, ...excludedBy(configurable, key)].some(isGiven(args));
    });
  // Which options there are depends on some of them: on the model above all.
  const deciding = values
    .filter(([, value]) => value !== false && [value].flat().every(isPlain))
    .map(([key, value]) => value === true ? `--${key}` : `--${key}=${value}`);
  const whole = await programOf([...args, ...deciding]);
  const command = whole.commands.find((each) => each.name() === configurable.name())!;
  const words = values.flatMap(([key, value]) => wordsOf(command, key, value, path));
  return { program: whole, words: [...args, ...words] };
}

function takesConfig({ options }: Command): boolean {
  return options.some(({ long }) => long === "--config");
}

/** Whether the words give the option of a key. */
function isGiven(args: readonly string[]): (key: string) => boolean {
  return (key) => {
    const flags = [`--${key}`, `--no-${key}`];
    return args.some((arg) => flags.includes(arg) || arg.startsWith(`--${key}=`));
  };
}

/** The keys of options that cannot stand beside that of a key, above all those that mean the same. */
function excludedBy({ options }: Command, key: string): string[] {
  return options.flatMap((option) => {
    // A field that commander's types leave out.
    const { conflictsWith = [] } = option as Option & { conflictsWith?: readonly string[] };
    const [own, ...others] = [option.attributeName(), ...conflictsWith].map(kebabCase);
    if (own === key) return others;
    return others.includes(key) ? [own] : [];
  });
}

/** The words that give an option its value in the file. */
function wordsOf(command: Command, key: string, value: unknown, path: string): string[] {
  const options = command.options.filter((option) => !CONTROLS.includes(option.attributeName()));
  const option = options.find((option) => kebabCase(option.attributeName()) === key);
  if (option === undefined) {
    const names = options.filter(({ hidden }) => !hidden)
      .map((option) => kebabCase(option.attributeName()));
    const guess = nearest(key, names);
    const hint = guess === undefined
      ? `${command.name()} --help-all shows what there is`
      : `did you mean ${guess}?`;
    throw usageError(`${path}: unknown key ${JSON.stringify(key)} (${hint})`);
  }
  if (!option.required && !option.optional) {
    if (typeof value !== "boolean") {
      throw usageError(`${path}: ${key} must be true or false, got ${JSON.stringify(value)}`);
    }
    return value === option.negate ? [] : [option.long!];
  }
  const texts = isRepeated(option) && Array.isArray(value) ? value : [value];
  return texts.map((each) => {
    const text = textOf(option, each);
    if (text === undefined) {
      throw usageError(
        `${path}: ${key} must be a text, a number, true, false or a list of these, got ` +
          JSON.stringify(value),
      );
    }
    checkValue(option, text, path);
    return `${option.long}=${text}`;
  });
}

/** A value as it would be typed; undefined for one that cannot be. */
function textOf({ flags }: Option, value: unknown): string | undefined {
  if (typeof value === "boolean" && flags.includes("<yes|no>")) return value ? "yes" : "no";
  if (Array.isArray(value)) {
    const between = flags.includes("HxW") ? "x" : ",";
    return value.every(isPlain) ? value.join(between) : undefined;
  }
  return isPlain(value) ? String(value) : undefined;
}

function isPlain(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** @throws {Failure} that names the file, for a value that the option does not take. */
function checkValue(option: Option, text: string, path: string): void {
  try {
    option.parseArg?.(text, undefined as never);
  } catch (error) {
    const { message } = error as Error;
    const named = message.includes(option.long!) ? message : `${option.long}: ${message}`;
    throw usageError(`${path}: ${named}`);
  }
}
