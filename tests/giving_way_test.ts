import { assert } from "@std/assert";
import { GivingWay } from "../engine/cpu/giving_way.ts";

/** A thread on a clock of its own, of whose naps the n-th takes `wake(n)` milliseconds. */
class SimulatedThread {
  private time = 1000;
  private naps = 0;
  private readonly givingWay: GivingWay;

  constructor(wake: (nap: number) => number) {
    this.givingWay = new GivingWay({
      now: () => this.time,
      sleep: () => void (this.time += wake(this.naps++)),
    });
  }

  /** Computes shares of 0.2 ms for `ms` milliseconds. Returns the part of them that it napped. */
  work(ms: number): number {
    const end = this.time + ms;
    let napped = 0;
    while (this.time < end) {
      const before = this.time;
      this.givingWay.rest();
      napped += this.time - before;
      this.time += 0.2;
    }
    return napped / ms;
  }
}

Deno.test("giving way: a thread that has its core to itself naps a two-hundredth of its time", () => {
  for (const nap of [0.06, 0.13, 1.2, 15.6]) {
    const part = new SimulatedThread(() => nap).work(60_000);
    assert(part > 0 && part < 0.0055, `naps of ${nap} ms: ${part}`);
  }
});

Deno.test("giving way: it naps often while naps end late, and seldom soon after", () => {
  let isShared = false;
  // One nap in four meets the other process, as on Linux.
  const thread = new SimulatedThread((nap) => isShared && nap % 4 === 0 ? 3 : 0.13);
  const before = thread.work(1000);
  isShared = true;
  thread.work(200);
  const during = thread.work(1000);
  isShared = false;
  thread.work(100);
  const after = thread.work(1000);
  assert(before < 0.006 && after < 0.006, `${before}, ${after}`);
  assert(during > 0.3, `${during}`);
});
