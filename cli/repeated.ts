/** Options that are given as often as needed. */
import { type Command, Option } from "commander";

const REPEATED = new WeakSet<Option>();

/** Adds an option whose values, each as it is given, make a list. */
export function addRepeated(command: Command, flags: string, description: string): void {
  const option = new Option(flags, description)
    .argParser((text, before: readonly string[] = []) => [...before, text]);
  REPEATED.add(option);
  command.addOption(option);
}

/** Whether an option was added by {@linkcode addRepeated}. */
export function isRepeated(option: Option): boolean {
  return REPEATED.has(option);
}
