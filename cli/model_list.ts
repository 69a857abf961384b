/** The models that `compare` is asked for: names, each with options of its own where it has any. */
import type { Method } from "../models/method.ts";
import type { OptionValue } from "../models/options.ts";
import { usageError } from "./errors.ts";
import { kebabCase, parseOption } from "./method_options.ts";
import { findMethod } from "./run_plan.ts";
import { unknownName } from "./suggest.ts";

/** An entry of the list. */
export interface ModelEntry {
  /** As it was typed. */
  readonly text: string;
  /** What it names. */
  readonly method: Method;
  /** The profile of its own. */
  readonly profile?: string;
  /** The options of its own. */
  readonly options: Readonly<Record<string, OptionValue>>;
}

/**
 * `dynae,dynae:partition=kmeans:gamma=1,kmeans`. A number after a comma belongs to the list that the
 * option before it has: `dynae:hidden=64,64,kmeans` names two models.
 * @throws {Failure} for unknown names, values that are none, and an entry that comes twice.
 */
export function parseModels(text: string): ModelEntry[] {
  const texts: string[] = [];
  for (const part of text.split(",")) {
    const isOfList = /^\d+(:|$)/.test(part) && texts.at(-1)?.includes("=");
    if (isOfList) texts.push(`${texts.pop()},${part}`);
    else texts.push(part);
  }
  const twice = texts.find((entry, i) => texts.indexOf(entry) < i);
  if (twice !== undefined) {
    throw usageError(
      `--models names ${twice} twice; ${twice}:OPTION=VALUE is the model with another option`,
    );
  }
  return texts.map(parseEntry);
}

function parseEntry(text: string): ModelEntry {
  const [name, ...settings] = text.split(":");
  const method = findMethod(name);
  const pairs = settings.map((setting) => {
    const [, flag, value] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
    if (flag !== undefined) return parseSetting(method, flag, value);
    throw usageError(
      `--models takes MODEL or MODEL:option=value:option=value, got ${JSON.stringify(text)}`,
    );
  });
  const profile = pairs.findLast(([option]) => option === PROFILE)?.[1];
  return {
    text,
    method,
    ...(profile !== undefined && { profile: String(profile) }),
    options: Object.fromEntries(pairs.filter(([option]) => option !== PROFILE)),
  };
}

/** What stands for an option where the profile is meant. */
export const PROFILE = "profile";

/**
 * An option of a model by its flag, or its profile.
 * @throws {Failure} for an option that the model does not have, and a value that is none.
 */
export function parseSetting(method: Method, flag: string, value: string): [string, OptionValue] {
  if (flag === PROFILE) return [PROFILE, value];
  const options = method.options.filter(({ name }) => name !== "seed");
  const spec = options.find(({ name }) => kebabCase(name) === flag);
  if (spec === undefined) {
    const names = options.map(({ name }) => kebabCase(name));
    throw usageError(unknownName(`option of ${method.name}`, flag, names));
  }
  return [spec.name, parseOption(spec, value)];
}

/** @throws {Failure} for a profile that the method does not have. */
export function checkProfile(method: Method, profile: string): void {
  if (Object.hasOwn(method.profiles, profile)) return;
  throw usageError(
    `${unknownName(`profile of ${method.name}`, profile, Object.keys(method.profiles))}; ` +
      `--set ${method.name}.profile=NAME gives it one of its own`,
  );
}
