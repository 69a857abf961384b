/** Seconds in which the past loses most of its weight. */
const MEMORY = 2;

/** How fast steps land that are submitted in runs of any length, two at a time. */
export class Pace {
  private steps = 0;
  private seconds = 0;
  private landed = 0;

  /** Steps a second, lately; 0 before the first landing. */
  get rate(): number {
    return this.seconds > 0 ? this.steps / this.seconds : 0;
  }

  /** Takes a run of steps that was submitted at `started` and has landed `now`, in milliseconds. */
  land(steps: number, started: number, now: number): void {
    const seconds = Math.max(now - Math.max(started, this.landed), 0) / 1000;
    this.landed = now;
    // A run counts by the time that it took: the last steps before a check may be few, and there at once.
    const kept = Math.exp(-seconds / MEMORY);
    this.steps = kept * this.steps + steps;
    this.seconds = Math.max(kept * this.seconds + seconds, 1e-6);
  }
}
