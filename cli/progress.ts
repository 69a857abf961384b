/** The progress line of a training. */
import type { TrainingEvent } from "../models/estimator.ts";
import { formatCount, formatDuration, formatNumber, isLive, StatusLine } from "./terminal.ts";

type ProgressEvent = Extract<TrainingEvent, { type: "progress" }>;

/**
 * Phase, steps, pace, time left and losses, on one line.
 * @param tau Share of conflicted points, where there are such.
 */
export function formatProgress(event: ProgressEvent, tau?: number): string {
  const { phase, step, steps, stepsPerSecond, secondsLeft, losses } = event;
  const parts = [
    `${phase} ${formatCount(step)}/${formatCount(steps)}`,
    stepsPerSecond > 0 ? `${formatNumber(stepsPerSecond)} steps/s` : "",
    stepsPerSecond > 0 && step < steps ? `${formatDuration(secondsLeft)} left` : "",
    ...Object.entries(losses).map(([term, value]) => `${term} ${formatNumber(value)}`),
    tau === undefined ? "" : `${(100 * tau).toFixed(1)} % conflicted`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** Listens to a training and keeps people informed on stderr. */
export class Progress {
  private readonly line = new StatusLine();
  private phase = "";
  private last: ProgressEvent | undefined;
  /** Of the last check. */
  private tau?: number;

  /** Takes one event. */
  event(event: TrainingEvent): void {
    if (event.type === "stage") {
      this.finish();
      this.line.update(`${event.name} …`, true);
      this.line.end();
    } else if (event.type === "log") {
      if (typeof event.row.tau === "number") this.tau = event.row.tau;
    } else if (event.type === "progress") {
      const isFirst = event.phase !== this.phase;
      if (isFirst) this.finish();
      this.phase = event.phase;
      this.last = event;
      this.line.update(formatProgress(event, this.tau), isFirst);
    }
  }

  /** Shows the last state of a phase, and goes on below it. */
  finish(): void {
    if (this.last) this.line.update(formatProgress(this.last, this.tau), true);
    this.line.end();
    this.last = undefined;
    this.phase = "";
  }
}

/** Says on stderr how many of `n` rows have been read and how long the others take, if they take long. */
export class RowProgress {
  private readonly line = new StatusLine();
  private readonly started = performance.now();

  constructor(private readonly n: number) {}

  /** Takes the number of rows that have been read. */
  read(rows: number): void {
    const seconds = (performance.now() - this.started) / 1000;
    if (seconds < (isLive() ? 1 : 30)) return;
    const left = formatDuration(seconds * (this.n / rows - 1));
    this.line.update(`${formatCount(rows)} of ${formatCount(this.n)} rows, ${left} left`);
  }

  /** Goes on below the line. */
  end(): void {
    this.line.end();
  }
}
