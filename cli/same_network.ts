/** Whether the network of another run fits, before a run begins from it. */
import type { Method } from "../models/method.ts";
import type { OptionValues } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { usageError } from "./errors.ts";
import { kebabCase } from "./method_options.ts";
import { RunFolder } from "./run_folder.ts";

/** Options that a network's sizes follow from. */
const SIZES = ["hidden", "latent", "channels"];

/** @throws {Failure} where the run's network is of another kind, or of other sizes. */
export async function checkSameNetwork(
  run: string,
  method: Method,
  options: OptionValues,
): Promise<void> {
  const { record: { configuration } } = await RunFolder.open(run);
  const theirs = METHODS[configuration.model]?.pretraining?.network;
  const ours = method.pretraining?.network;
  if (theirs !== ours) {
    throw usageError(
      `--from: ${run} is a run of ${configuration.model}, which pre-trains ` +
        `${
          theirs === undefined ? "no" : `a ${theirs}`
        } network; ${method.name} needs a ${ours} one`,
    );
  }
  for (const name of SIZES) {
    const [their, our] = [configuration.options[name], options[name]].map((value) =>
      value === undefined ? undefined : String(value)
    );
    if (their === undefined || our === undefined || their === our) continue;
    const flag = `--${kebabCase(name)}`;
    throw usageError(
      `--from: the network of ${run} has ${flag} ${their}, this run's ${our}; give ${flag} ${their}`,
    );
  }
}
