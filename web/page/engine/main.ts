/** Entry of the worker that trains: the engine, behind messages. */
import type { Dataset } from "../../../datasets/dataset.ts";
import { OptionError } from "../../../models/options.ts";
import { METHODS } from "../../../models/registry.ts";
import { VERSION } from "../../../storage/version.ts";
import type { Answer, Command, MethodInfo, Source } from "../messages.ts";
import { infoOf, load } from "./data.ts";
import { Run } from "./run.ts";

/** The worker's global scope, which the library's types do not describe. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Command>) => void) | null;
  postMessage(message: Answer, transfer?: Transferable[]): void;
};

const post = (answer: Answer, transfer: Transferable[] = []) => scope.postMessage(answer, transfer);

let dataset: Dataset | undefined;
let loading: Promise<Dataset> | undefined;
let run: Run | undefined;

/** Reads rows; only what was asked for last counts, however long the others take. */
async function take(source: Source): Promise<void> {
  dataset = undefined;
  const latest = loading = load(source);
  try {
    const loaded = await latest;
    if (loading !== latest) return;
    dataset = loaded;
    post({ kind: "data", data: infoOf(loaded) });
  } catch (error) {
    if (loading === latest) throw error;
  }
}

async function obey(command: Command): Promise<void> {
  switch (command.kind) {
    case "load":
      return await take(command.source);
    case "train": {
      if (!dataset) throw new Error("there are no rows yet; choose data first");
      const next = new Run(command.request, dataset, post);
      await run?.stop();
      run = next;
      return await run.go();
    }
    case "pause":
      return run?.pause();
    case "resume":
      return await run?.resume(command.step, command.kappa);
    case "stop":
      return await run?.stop();
    case "download":
      return await run?.download(command.file);
  }
}

/** Which part of the page hears of a failure. */
function aboutOf({ kind }: Command): Extract<Answer, { kind: "failed" }>["about"] {
  return kind === "load" ? "data" : kind === "download" ? "download" : "training";
}

scope.onmessage = ({ data: command }) => {
  obey(command).catch((error: Error) => {
    post({
      kind: "failed",
      about: aboutOf(command),
      message: error.message,
      ...error instanceof OptionError && { option: error.option },
    });
  });
};

const methods: MethodInfo[] = Object.values(METHODS).map((method) => {
  const { name, summary, citation, options, profiles, needsImages = false } = method;
  return { name, summary, citation, options, profiles, needsImages };
});
post({ kind: "ready", methods, program: `dynae ${VERSION}` });
