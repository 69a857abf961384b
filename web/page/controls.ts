/// <reference lib="dom" />
/** The buttons of a run, what they may do when, and the lines below them. */
import { formatCount, formatDuration, formatNumber } from "../../engine/inspect/text.ts";
import type { TrainingEvent } from "../../models/estimator.ts";
import { byId } from "./dom.ts";
import type { Command } from "./messages.ts";

/** What a run is doing. */
export type RunState = "none" | "training" | "pausing" | "paused";

/** Buttons that can be pressed in each state. */
const ENABLED: Readonly<Record<RunState, readonly string[]>> = {
  none: ["train"],
  training: ["pause", "stop"],
  pausing: [],
  paused: ["resume", "step", "stop"],
};

/** Where the focus goes when the button that had it is disabled. */
const NEXT: Readonly<Record<RunState, string>> = {
  none: "train",
  training: "pause",
  pausing: "status",
  paused: "resume",
};

/** Buttons, progress and status. */
export class Controls {
  private readonly status = byId("status", HTMLParagraphElement);
  private readonly kappa = byId("kappa-now", HTMLInputElement);
  private readonly rate = byId("rate", HTMLParagraphElement);
  private isStepping = false;
  private place = "";

  /** `send` tells the engine; Train is the form's. */
  constructor(private readonly send: (command: Command) => void) {
    this.status.tabIndex = -1;
    this.on("pause", "Pausing at the next step…", () => send({ kind: "pause" }));
    this.on("stop", "Stopping at the next step…", () => send({ kind: "stop" }));
    this.on("resume", "Going on…", () => this.resume(false));
    this.on("step", "One step…", () => this.resume(true));
  }

  /** Shows what can be done now. */
  enter(state: RunState, text: string, isWrong = false): void {
    const { activeElement } = document;
    for (const id of ["train", "pause", "resume", "step", "stop"]) {
      byId(id, HTMLButtonElement).disabled = !ENABLED[state].includes(id);
    }
    if (state !== "paused") this.offerKappa();
    // Nothing is left of a phase that has ended early.
    if (state === "none") this.rate.textContent = this.place;
    const isLost = activeElement instanceof HTMLButtonElement && activeElement.disabled;
    if (isLost || activeElement === this.status) {
      const next = this.isStepping && state === "paused" ? "step" : NEXT[state];
      document.getElementById(next)!.focus();
    }
    this.status.textContent = text;
    this.status.classList.toggle("wrong", isWrong);
  }

  /** Lets κ be changed at this pause; undefined: it cannot be. */
  offerKappa(kappa?: number): void {
    byId("kappa-change", HTMLParagraphElement).hidden = kappa === undefined;
    this.kappa.value = String(kappa ?? "");
  }

  /** Shows how far the phase is. */
  progress({ phase, step, steps, stepsPerSecond, secondsLeft }: Extract<TrainingEvent, {
    type: "progress";
  }>): void {
    const bar = byId("progress", HTMLProgressElement);
    bar.hidden = false;
    bar.value = step / steps;
    const speed = step > 0 ? `, ${formatNumber(stepsPerSecond)} a second` : "";
    const left = step > 0 && step < steps
      ? `, ${formatDuration(secondsLeft)} left of the phase`
      : "";
    this.place = `${phase}: ${formatCount(step)} of ${formatCount(steps)} steps`;
    this.rate.textContent = this.place + speed + left;
  }

  private resume(step: boolean): void {
    this.isStepping = step;
    const text = this.kappa.value.trim();
    this.send({ kind: "resume", step, ...text !== "" && { kappa: Number(text) } });
  }

  private on(id: string, text: string, work: () => void): void {
    byId(id, HTMLButtonElement).addEventListener("click", () => {
      work();
      this.enter("pausing", text);
    });
  }
}
