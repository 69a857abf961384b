/** How a command line may go on: what a shell asks, of the program as it is and the registry of methods. */
import type { Command, Option } from "commander";
import { NAMED_SETS } from "../datasets/named.ts";
import { KERNELS } from "../kernels/registry.ts";
import { METHODS } from "../models/registry.ts";
import { kebabCase, valueOf } from "./method_options.ts";

/** A word, and what it is for. */
type Candidate = readonly [word: string, what: string];

/** Paths, which the shell itself knows. */
const FILES: Candidate = [":files", ""];
const FOLDERS: Candidate = [":folders", ""];

/**
 * @param words Of the command line, without the program's name; the last one is being typed, and empty
 *   where it is not begun. bash parts `--option=value` into three words.
 * @param programOf Makes the program for a command line.
 * @returns Lines of word, tab and what it is for.
 */
export async function completionsOf(
  words: readonly string[],
  programOf: (args: readonly string[]) => Promise<Command>,
): Promise<string[]> {
  const { before, current, assigned, shown } = partsOf(words);
  const program = await programOf(before).catch(() => programOf(before.slice(0, 1)))
    .catch(() => programOf([]));
  const { command, place } = commandOf(program, before);
  const pending = assigned ?? optionBefore(command, before);
  const found = pending !== undefined
    ? valuesOf(flagOf(command, pending), before, current)
    : current.startsWith("-")
    ? optionsOf(command)
    : command.commands.length > 0 && place === 0
    ? command.commands.map((sub): Candidate => [sub.name(), sub.description()])
    : argumentsOf(command, place);
  return found
    .filter(([word]) => word.startsWith(":") || word.startsWith(current))
    .map(([word, what]) => `${word.startsWith(":") ? word : shown + word}\t${what}`);
}

/** What is typed already, what is being typed, and the flag that an equals sign gives it to. */
function partsOf(words: readonly string[]) {
  const joined: string[] = [];
  for (const [i, word] of words.entries()) {
    if (word === "=" && joined.at(-1)?.startsWith("--")) joined.push(`${joined.pop()}=`);
    else if (joined.at(-1)?.endsWith("=") && words[i - 1] === "=") joined.push(joined.pop() + word);
    else joined.push(word);
  }
  const current = joined.at(-1) ?? "";
  const before = joined.slice(0, -1);
  const [, flag, value] = /^(--[^=]+)=(.*)$/.exec(current) ?? [];
  if (flag === undefined) return { before, current, shown: "" };
  const isParted = joined.length < words.length;
  return { before, current: value, assigned: flag, shown: isParted ? "" : `${flag}=` };
}

/** The command that the words name, and how many of its arguments they have. */
function commandOf(
  program: Command,
  words: readonly string[],
): { command: Command; place: number } {
  let command = program;
  let place = 0;
  for (const [i, word] of words.entries()) {
    if (word.startsWith("-") || optionBefore(command, words.slice(0, i)) !== undefined) continue;
    const sub = command.commands.find((each) => each.name() === word);
    if (sub === undefined) place++;
    else command = sub;
  }
  return { command, place };
}

/** The flag whose value comes next. */
function optionBefore(command: Command, words: readonly string[]): string | undefined {
  const last = words.at(-1) ?? "";
  return flagOf(command, last)?.required ? last : undefined;
}

function flagOf({ options }: Command, flag: string): Option | undefined {
  return options.find(({ long, short }) => flag === long || flag === short);
}

function optionsOf({ options }: Command): Candidate[] {
  return [
    ...options.filter(({ hidden }) => !hidden)
      .map(({ long, short, description }): Candidate => [long ?? short!, description]),
    ["--help", "show help"],
  ];
}

function argumentsOf({ registeredArguments, parent }: Command, place: number): Candidate[] {
  const argument = registeredArguments[place] ?? registeredArguments.at(-1);
  if (argument === undefined || place >= registeredArguments.length && !argument.variadic) {
    return [];
  }
  if (argument.argChoices !== undefined) return named(argument.argChoices);
  if (parent?.name() === "data") return [...sets(), ...pathsOf(argument.name())];
  return pathsOf(argument.name());
}

/** The values of an option: of those by name, of the methods', of what its flags say. */
function valuesOf(
  option: Option | undefined,
  words: readonly string[],
  current: string,
): Candidate[] {
  if (option === undefined) return [];
  const name = option.attributeName();
  const listed = LISTS[name];
  if (listed !== undefined) return continued(listed(), current);
  if (name === "profile") return profilesOf(words);
  if (name === "model") return models();
  if (name === "data") return [...sets(), FILES];
  if (name === "kernel" || name === "show") return named(Object.keys(KERNELS));
  if (name === "over") return optionNames(words);
  if (option.argChoices !== undefined) return named(option.argChoices);
  const own = chosenMethods(words).flatMap(({ options }) => options)
    .find((spec) => spec.name === name);
  if (own?.type === "choice") return named(own.choices);
  if (own?.type === "namedNumber") return named(own.names);
  const placeholder = /[<[](.*)[>\]]/.exec(option.flags)?.[1] ?? "";
  const paths = pathsOf(placeholder);
  if (paths.length > 0 || !placeholder.includes("|") || own !== undefined) return paths;
  return named(placeholder.split("|"));
}

/** Options that take several names with commas between. */
const LISTS: Readonly<Record<string, () => Candidate[]>> = {
  models,
  debug: () => named(["stack", "plan", "time"]),
};

/** The candidates after those that the list has already. */
function continued(candidates: readonly Candidate[], current: string): Candidate[] {
  const before = current.replace(/[^,]*$/, "");
  const taken = before.split(",");
  return candidates
    .filter(([word]) => !taken.includes(word))
    .map(([word, what]) => [before + word, what]);
}

/** By what stands between the angle brackets. */
function pathsOf(placeholder: string): Candidate[] {
  if (/\b(dir|folder|run)\b/.test(placeholder)) return [FOLDERS];
  return /\b(file|path|png)\b/.test(placeholder) ? [FILES] : [];
}

function named(words: readonly string[]): Candidate[] {
  return words.map((word) => [word, ""]);
}

function sets(): Candidate[] {
  return NAMED_SETS.map(({ name, title }) => [name, title]);
}

function models(): Candidate[] {
  return Object.values(METHODS).map(({ name, summary }) => [name, summary]);
}

/** The methods that the words name; the default one where they name none. */
function chosenMethods(words: readonly string[]) {
  const text = valueOf(words, "--models") ?? valueOf(words, "--model") ?? "dynae";
  return text.split(",").flatMap((name) => METHODS[name] ?? []);
}

function profilesOf(words: readonly string[]): Candidate[] {
  return chosenMethods(words).flatMap(({ profiles }) =>
    Object.entries(profiles).map(([name, { description }]): Candidate => [name, description])
  );
}

/** For `--over`: the options of the method, each with the equals sign that values follow. */
function optionNames(words: readonly string[]): Candidate[] {
  return chosenMethods(words).flatMap(({ options }) =>
    options.map(({ name, description }): Candidate => [`${kebabCase(name)}=`, description])
  );
}
