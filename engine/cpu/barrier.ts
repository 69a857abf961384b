/**
 * What the threads share beside the memory: the barrier's words and the first failure. Int32 words,
 * each on a cache line of its own so that spinning on one does not slow the others.
 */
const ARRIVED = 0;
const GENERATION = 16;
const SLEEPERS = 32;
const FAILED = 48;
/** The number of the pass under way, and in the low bits how many of its shares are taken. */
const TAKEN = 64;
/** Shares of that pass that are done. */
const DONE = 80;
const TEXT_LENGTH = 96;
const TEXT = 112;
const TEXT_BYTES = 2048;

/** Bytes of the block that {@linkcode Barrier} works on. */
export const BARRIER_BYTES: number = TEXT * 4 + TEXT_BYTES;

/** Bits of {@linkcode TAKEN} that count shares: 256 threads take half of what is left of 2³² in turn. */
const SHARE_BITS = 14;
/** What {@linkcode TAKEN} holds once a thread has failed. */
const STOPPED = -1;

/** Passes between two calls of {@linkcode Barrier.wait}, at most. */
export const MOST_PASSES: number = 2 ** (31 - SHARE_BITS);

/**
 * Polls before a thread goes to sleep: some tens of microseconds, longer than the usual skew
 * between threads and shorter than what a sleep and a wake-up cost together.
 */
const POLLS = 1500;

/**
 * Milliseconds of a sleep. Whom a thread waits for may have lost its core to another process: each time
 * that this core falls idle, the system may move it here, but not while it has just run.
 */
const NAP = 0.3;

/** `Atomics.pause` where the engine has it: a hint to the core that it is spinning. */
const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

/**
 * How a fixed number of threads keep in step. All of them meet in {@linkcode wait}; from then on they go
 * through the same passes, each cut into shares, and a pass is over once all its shares are done: a
 * thread that has lost its core holds the others up only with a share that it has taken, and finds later
 * what is over. Failure spreads in the same word, so that all leave.
 */
export class Barrier {
  private readonly words: Int32Array;
  private readonly text: Uint8Array;

  /** All threads pass the same zeroed block of {@linkcode BARRIER_BYTES} bytes. */
  constructor(block: SharedArrayBuffer | ArrayBuffer, private readonly threads: number) {
    this.words = new Int32Array(block, 0, TEXT);
    this.text = new Uint8Array(block, TEXT * 4, TEXT_BYTES);
  }

  /** A share of a pass that nobody has taken, or −1 where there is none left. */
  take(pass: number, shares: number): number {
    const words = this.words;
    for (;;) {
      const word = Atomics.load(words, TAKEN);
      const share = word & (2 ** SHARE_BITS - 1);
      if (word >>> SHARE_BITS !== pass || share >= shares) return -1;
      if (Atomics.compareExchange(words, TAKEN, word, word + 1) === word) return share;
    }
  }

  /** Says that a share is done, after {@linkcode fail} where it has failed; the last one ends the pass. */
  done(pass: number, shares: number): void {
    const words = this.words;
    if (Atomics.add(words, DONE, 1) < shares - 1) return;
    Atomics.store(words, DONE, 0);
    const next = Atomics.load(words, FAILED) === 0 ? (pass + 1) << SHARE_BITS : STOPPED;
    Atomics.store(words, TAKEN, next);
    if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, TAKEN);
  }

  /** Waits until all shares of a pass are done. False where a thread has failed. */
  finish(pass: number): boolean {
    return this.watch(TAKEN, (word) => word >>> SHARE_BITS === pass) !== STOPPED;
  }

  /**
   * Waits for all threads, which begin with pass 0 then. False where one of them has failed since the
   * last {@linkcode clear}.
   */
  wait(): boolean {
    const words = this.words;
    const generation = Atomics.load(words, GENERATION);
    if (Atomics.add(words, ARRIVED, 1) === this.threads - 1) {
      const next = ((generation & ~1) + 2) | Atomics.load(words, FAILED);
      Atomics.store(words, ARRIVED, 0);
      Atomics.store(words, TAKEN, 0);
      Atomics.store(words, GENERATION, next);
      if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, GENERATION);
      return (next & 1) === 0;
    }
    return (this.watch(GENERATION, (word) => word === generation) & 1) === 0;
  }

  /** Waits until a word is another one, and returns it. */
  private watch(place: number, isOld: (word: number) => boolean): number {
    const words = this.words;
    let word = Atomics.load(words, place);
    for (let poll = 0; isOld(word) && poll < POLLS; poll++) {
      pause();
      word = Atomics.load(words, place);
    }
    while (isOld(word)) {
      Atomics.add(words, SLEEPERS, 1);
      Atomics.wait(words, place, word, NAP);
      Atomics.sub(words, SLEEPERS, 1);
      word = Atomics.load(words, place);
    }
    return word;
  }

  /** Records a failure; the first one since {@linkcode clear} is kept. */
  fail(message: string): void {
    const bytes = new TextEncoder().encode(message).subarray(0, TEXT_BYTES);
    if (Atomics.compareExchange(this.words, TEXT_LENGTH, 0, bytes.length) === 0) {
      this.text.set(bytes);
    }
    Atomics.store(this.words, FAILED, 1);
  }

  /** The failure's message, if there is one. Call it only after a {@linkcode wait}. */
  failure(): string | undefined {
    if (Atomics.load(this.words, FAILED) === 0) return undefined;
    return new TextDecoder().decode(this.text.slice(0, this.words[TEXT_LENGTH]));
  }

  /** Forgets the failure. Call it only while no thread computes. */
  clear(): void {
    Atomics.store(this.words, TEXT_LENGTH, 0);
    Atomics.store(this.words, FAILED, 0);
  }
}
