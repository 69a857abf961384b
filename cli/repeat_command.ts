/** The command line that makes a run again. */
import { typedOptionsOf } from "../models/method.ts";
import { kebabCase } from "../models/options.ts";
import { METHODS } from "../models/registry.ts";
import { REQUEST } from "./data_options.ts";
import type { DataRequest, RunRecord } from "./run_record.ts";
import { shellWord } from "./terminal.ts";
import { PROGRAM } from "./version.ts";

/** What `train` is given: everything that is not as its profile has it. */
export function repeatCommand(record: RunRecord): string {
  const { configuration, data, device, baseline, report, from } = record;
  const { model, profile = "default", options } = configuration;
  const { request } = data;
  const flag = (name: string, value: string) => [`--${kebabCase(name)}`, shellWord(value)];
  const words = [
    ...model === "dynae" ? [] : flag("model", model),
    ...profile === "default" ? [] : flag("profile", profile),
    ...flag("data", request.data),
    ...REQUEST.flatMap((name) => {
      const value = request[name];
      if (value === undefined) return [];
      return value === true && name === "stream" ? ["--stream"] : flag(name, dataText(name, value));
    }),
    ...Object.entries(typedOptionsOf(METHODS[model], profile, options))
      .flatMap(([name, value]) => [name, shellWord(value)]),
    ...device.requested === "auto" ? [] : flag("device", device.requested),
    ...device.threads === undefined ? [] : flag("threads", String(device.threads)),
    ...baseline === false ? ["--no-baseline"] : [],
    ...report === false ? ["--no-report"] : [],
    ...from === undefined ? [] : flag("from", from),
  ];
  return `${PROGRAM} train ${words.join(" ")}`;
}

/** A part of a request as the command line takes it. */
function dataText(name: keyof DataRequest, value: DataRequest[keyof DataRequest]): string {
  if (name === "header") return value ? "yes" : "no";
  if (name === "size") return (value as readonly number[]).join("x");
  if (name === "separator") return value === "\t" ? "tab" : value === " " ? "space" : String(value);
  return String(value);
}
