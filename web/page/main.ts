/// <reference lib="dom" />
/** Entry of the page: the engine runs in a worker, this draws what it says. */
import { AuditPanel } from "./audit_panel.ts";
import { Controls } from "./controls.ts";
import { DataForm } from "./data_form.ts";
import { byId } from "./dom.ts";
import { MethodForm } from "./form.ts";
import type { Answer, Command, DataInfo, TrainRequest } from "./messages.ts";
import { offline } from "./offline.ts";
import { Pictures } from "./pictures.ts";
import { ResultsPanel } from "./results_panel.ts";

const engine = new Worker(new URL("./engine.js", import.meta.url), { type: "module" });
const send = (command: Command) => engine.postMessage(command);

const dataForm = new DataForm((source) => {
  data = undefined;
  send({ kind: "load", source });
});
const methodForm = new MethodForm();
const controls = new Controls(send);
const pictures = new Pictures();
const results = new ResultsPanel(send);
let data: DataInfo | undefined;
let asked: TrainRequest | undefined;

byId("form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  if (byId("train", HTMLButtonElement).disabled) return;
  if (!data) return controls.enter("none", "There are no rows yet: choose data first.", true);
  methodForm.mark();
  asked = methodForm.request;
  results.hide();
  pictures.begin(data, methodForm.clusters);
  controls.enter("training", "Opening the device…");
  send({ kind: "train", request: asked });
});

function hear(answer: Answer): void {
  switch (answer.kind) {
    case "ready":
      byId("program", HTMLParagraphElement).textContent = answer.program;
      methodForm.fill(answer.methods);
      return dataForm.ask();
    case "data":
      data = answer.data;
      methodForm.expect(data.classCount);
      return dataForm.show(data);
    case "started":
      pictures.restart(answer.history);
      return controls.enter("training", `Training on ${answer.device}.`);
    case "event":
      if (answer.event.type === "progress") controls.progress(answer.event);
      return pictures.event(answer.event);
    case "view":
      return pictures.show(answer.view);
    case "paused":
      controls.enter("paused", answer.reason ?? "Paused.", answer.reason !== undefined);
      return controls.offerKappa(answer.kappa);
    case "stopped":
      return controls.enter("none", "Stopped: its results are given up.");
    case "finished":
      results.show(answer.outcome);
      return controls.enter("none", "Finished. The results are below.");
    case "file":
      return results.save(answer);
    case "failed":
      return fail(answer);
  }
}

function fail({ about, message, option }: Extract<Answer, { kind: "failed" }>): void {
  if (about === "data") return dataForm.fail(message);
  controls.enter("none", message, true);
  methodForm.mark(option);
}

engine.onmessage = ({ data: answer }: MessageEvent<Answer>) => hear(answer);
engine.onerror = ({ message }) => controls.enter("none", `The engine failed: ${message}`, true);

new AuditPanel();
offline();
