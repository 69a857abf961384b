import type { PassTime, ReplayTimes } from "../backend/backend.ts";

/** Where one thread's time goes while it replays a program: in each pass, and at the barrier after it. */
export class CallClock {
  /** Milliseconds of work and of waiting, pass by pass. */
  private readonly sums: Float64Array;
  private steps = 0;
  /** Replays to come before the next one that is timed. */
  private idle: number;
  private next = 0;
  private last = 0;

  /**
   * A clock that has not run yet, for replays of so many passes: it times one of every `every`, not the
   * very first if others may follow, because caches are cold.
   */
  constructor(passes: number, private readonly every: number) {
    this.idle = Math.min(1, every - 1);
    this.sums = new Float64Array(2 * passes);
  }

  /** A replay begins. @returns What is to be told of its passes; undefined where it is not timed. */
  begin(): this | undefined {
    if (this.idle-- > 0) return undefined;
    this.idle = this.every - 1;
    this.steps++;
    this.next = 0;
    this.last = performance.now();
    return this;
  }

  /** The thread has done its part of the pass. */
  worked(): void {
    this.add();
  }

  /** All threads have done theirs; the next pass begins. */
  waited(): void {
    this.add();
  }

  private add(): void {
    const now = performance.now();
    this.sums[this.next++] += now - this.last;
    this.last = now;
  }

  /** The sums. */
  times(): ReplayTimes {
    const seconds = Array.from(this.sums, (milliseconds) => milliseconds / 1000);
    const passes = Array.from({ length: seconds.length / 2 }, (_, i): PassTime => ({
      seconds: seconds[2 * i] + seconds[2 * i + 1],
      waiting: seconds[2 * i + 1],
    }));
    return { steps: this.steps, seconds: seconds.reduce((sum, x) => sum + x, 0), passes };
  }
}
