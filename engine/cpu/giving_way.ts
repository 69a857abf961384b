/** How a thread tells time and sleeps, in milliseconds. */
export interface Clock {
  now(): number;
  sleep(ms: number): void;
}

/** What is asked for. The system takes a little longer, and how long at least is learnt. */
const NAP = 0.05;
/** Naps that take less are taken to be as long as this, so that one odd nap does not set the measure. */
const LEAST = 0.1;
/** A nap of so many times the shortest one ended late: another process had the core. */
const LATE = 4;
/**
 * The time from one nap to the next in the shortest naps, where this thread shares its core and where
 * it does not. The first is below a time slice, so that the thread rarely comes to its end and loses the
 * core at another moment; the second costs a two-hundredth.
 */
const SHARED = 5;
const ALONE = 200;
/** Milliseconds after a late nap in which the core counts as shared. */
const MEMORY = 60;

/**
 * Naps by which a thread gives its core to another process at moments when it holds no share of a
 * pass. Else it would lose the core in the middle of a share, for a time slice of some milliseconds in
 * which all the others wait for that share. One thread of a crew takes these naps: where all did, steps
 * took longer than without. We suppose that the system moves the other process to the core that falls
 * idle, where it stays if no other core does.
 */
export class GivingWay {
  private next = 0;
  private shortest = Infinity;
  private sharedUntil = 0;

  constructor(private readonly clock: Clock = systemClock()) {}

  /** Naps if it is time to. Call it where the thread holds nothing that others wait for. */
  rest(): void {
    const begun = this.clock.now();
    if (begun < this.next) return;
    this.clock.sleep(NAP);
    const woken = this.clock.now();
    const slept = Math.max(woken - begun, LEAST);
    this.shortest = Math.min(this.shortest, slept);
    if (slept > LATE * this.shortest) this.sharedUntil = woken + MEMORY;
    this.next = woken + (woken < this.sharedUntil ? SHARED : ALONE) * this.shortest;
  }
}

/** Sleeps on a word that nobody changes. */
function systemClock(): Clock {
  const word = new Int32Array(new SharedArrayBuffer(4));
  return {
    now: () => performance.now(),
    sleep: (ms) => void Atomics.wait(word, 0, 0, ms),
  };
}
