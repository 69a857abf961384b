/// <reference lib="dom" />
/** Audits of this very browser, in a worker of their own that can be stopped at any moment. */
import { byId, make } from "./dom.ts";
import type { AuditAnswer, AuditRow, AuditSubject } from "./messages.ts";

/** Buttons, status and table. */
export class AuditPanel {
  private readonly start = byId("audit", HTMLButtonElement);
  private readonly end = byId("audit-stop", HTMLButtonElement);
  private readonly status = byId("audit-status", HTMLParagraphElement);
  private readonly table = byId("audit-table", HTMLTableElement).tBodies[0];
  private worker: Worker | undefined;
  private device = "";
  private failed = 0;

  /** Listens to its buttons. */
  constructor() {
    this.start.addEventListener("click", () => this.run());
    this.end.addEventListener("click", () => this.finish("Stopped"));
  }

  private run(): void {
    this.table.replaceChildren();
    this.failed = 0;
    this.device = "";
    byId("audit-region", HTMLDivElement).hidden = false;
    this.status.classList.remove("wrong");
    this.status.textContent = "Auditing…";
    this.worker = new Worker(new URL("./audit.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data }: MessageEvent<AuditAnswer>) => this.hear(data);
    this.worker.onerror = ({ message }) => this.finish(`Failed: ${message}`, true);
    this.worker.postMessage(byId("audit-subject", HTMLSelectElement).value as AuditSubject);
    this.start.disabled = true;
    this.end.disabled = false;
    this.end.focus();
  }

  private hear(answer: AuditAnswer): void {
    switch (answer.kind) {
      case "device":
        this.device = `${answer.description}: `;
        break;
      case "row":
        this.add(answer.row);
        break;
      case "failed":
        this.finish(`Failed: ${answer.message}`, true);
        break;
      case "done":
        this.finish(this.failed === 0 ? "All pass" : `${this.failed} failed`, this.failed > 0);
    }
  }

  private add({ name, variant, count, share, passed, place }: AuditRow): void {
    if (!passed) this.failed++;
    const verdict = make("td", { className: passed ? "" : "wrong", title: place });
    verdict.textContent = passed ? "pass" : `BREACH: ${place}`;
    this.table.append(make(
      "tr",
      {},
      make("th", { scope: "row" }, name),
      make("td", {}, variant),
      make("td", { className: "number" }, String(count)),
      make("td", { className: "number" }, share.toFixed(3)),
      verdict,
    ));
  }

  private finish(text: string, isWrong = false): void {
    this.worker?.terminate();
    this.worker = undefined;
    const rows = this.table.rows.length;
    this.status.textContent = `${this.device}${text}: ${rows} ${rows === 1 ? "row" : "rows"}.`;
    this.status.classList.toggle("wrong", isWrong);
    this.start.disabled = false;
    if (document.activeElement === this.end) this.start.focus();
    this.end.disabled = true;
  }
}
