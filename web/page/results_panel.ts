/// <reference lib="dom" />
/** What a finished run has come to, and its files. */
import { byId, make } from "./dom.ts";
import type { Answer, Command, Download, Outcome } from "./messages.ts";

const FILES: readonly Download[] = ["report", "labels", "model", "summary"];

/** Scores, warnings, downloads, and the command that repeats the run. */
export class ResultsPanel {
  private readonly section = byId("results", HTMLElement);

  /** `send` asks the engine for files. */
  constructor(send: (command: Command) => void) {
    for (const file of FILES) {
      byId(`download-${file}`, HTMLButtonElement).addEventListener("click", () => {
        send({ kind: "download", file });
      });
    }
  }

  /** Takes the results of an earlier run away. */
  hide(): void {
    this.section.hidden = true;
  }

  /** Shows results. */
  show({ stopReason, scores, warnings, command }: Outcome): void {
    this.section.hidden = false;
    byId("outcome", HTMLParagraphElement).textContent = `Ended by: ${stopReason}.`;
    const title = (text: string, i: number) =>
      make("th", { scope: "col", className: i > 0 ? "number" : "" }, text);
    const rows = scores.map(([name, { acc, nmi, ari }]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        ...[acc, nmi, ari].map((value) => make("td", { className: "number" }, value.toFixed(4))),
      )
    );
    const head = make("tr", {}, ...["partition", "ACC", "NMI", "ARI"].map(title));
    byId("partitions", HTMLTableElement).replaceChildren(...rows.length > 0 ? [head, ...rows] : []);
    byId("warnings", HTMLUListElement).replaceChildren(
      ...warnings.map((warning) => make("li", {}, warning)),
    );
    // It breaks before an option, not within it.
    const words = command.split(/ (?=-)/).flatMap((word, i) => [
      ...i > 0 ? [" "] : [],
      make("span", {}, word),
    ]);
    byId("command", HTMLPreElement).replaceChildren(...words);
  }

  /** Hands a file to the browser. */
  save({ name, type, bytes }: Extract<Answer, { kind: "file" }>): void {
    const href = URL.createObjectURL(new Blob([bytes as BlobPart], { type }));
    make("a", { href, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  }
}
