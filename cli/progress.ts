/** The progress line of a training. */
import type { TrainingEvent } from "../models/estimator.ts";
import { formatCount, formatDuration, formatNumber, StatusLine } from "./terminal.ts";

type ProgressEvent = Extract<TrainingEvent, { type: "progress" }>;

/** Phase, steps, pace, time left, losses and the share of conflicted points, on one line. */
export function formatProgress(event: ProgressEvent): string {
  const { phase, step, steps, stepsPerSecond, secondsLeft, losses, conflicted } = event;
  const parts = [
    `${phase} ${formatCount(step)}/${formatCount(steps)}`,
    `${formatNumber(stepsPerSecond)} steps/s`,
    step < steps ? `${formatDuration(secondsLeft)} left` : "",
    ...Object.entries(losses).map(([term, value]) => `${term} ${formatNumber(value)}`),
    conflicted === undefined ? "" : `${(100 * conflicted).toFixed(1)} % conflicted`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** Listens to a training and keeps people informed on stderr. */
export class Progress {
  private readonly line = new StatusLine();
  private phase = "";
  private last?: ProgressEvent;

  /** Takes one event. */
  event(event: TrainingEvent): void {
    if (event.type === "stage") {
      this.finish();
      this.line.update(`${event.name} …`, true);
      this.line.end();
    } else if (event.type === "progress") {
      const isFirst = event.phase !== this.phase;
      if (isFirst) this.finish();
      this.phase = event.phase;
      this.last = event;
      this.line.update(formatProgress(event), isFirst);
    }
  }

  /** Shows the last state of a phase, and goes on below it. */
  finish(): void {
    if (this.last) this.line.update(formatProgress(this.last), true);
    this.line.end();
    this.last = undefined;
    this.phase = "";
  }
}
