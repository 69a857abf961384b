/**
 * What the threads share beside the memory: the barrier's words and the first failure. Int32 words,
 * each on a cache line of its own so that spinning on one does not slow the others.
 */
const ARRIVED = 0;
const GENERATION = 16;
const SLEEPERS = 32;
const FAILED = 48;
const TURN = 64;
const TEXT_LENGTH = 80;
const TEXT = 96;
const TEXT_BYTES = 2048;

/** Bytes of the block that {@linkcode Barrier} works on. */
export const BARRIER_BYTES: number = TEXT * 4 + TEXT_BYTES;

/**
 * Polls before a thread goes to sleep: some tens of microseconds, longer than the usual skew
 * between threads and shorter than what a sleep and a wake-up cost together.
 */
const POLLS = 1500;

/** `Atomics.pause` where the engine has it: a hint to the core that it is spinning. */
const pause: () => void = (Atomics as { pause?: () => void }).pause ?? (() => {});

/**
 * A reusable barrier for a fixed number of threads, which also deals out the work between two waits
 * and spreads failure: the last thread to arrive publishes, in one word, the next generation and
 * whether any thread has failed, so that all leave a program at the same place.
 */
export class Barrier {
  readonly #words: Int32Array;
  readonly #text: Uint8Array;
  readonly #threads: number;

  /** All threads pass the same zeroed block of {@linkcode BARRIER_BYTES} bytes. */
  constructor(block: SharedArrayBuffer | ArrayBuffer, threads: number) {
    this.#words = new Int32Array(block, 0, TEXT);
    this.#text = new Uint8Array(block, TEXT * 4, TEXT_BYTES);
    this.#threads = threads;
  }

  /** A number that no thread has had since the last {@linkcode wait}, from 0 on. */
  turn(): number {
    return Atomics.add(this.#words, TURN, 1);
  }

  /** Waits for all threads. False where one of them has failed since the last {@linkcode clear}. */
  wait(): boolean {
    const words = this.#words;
    if (this.#threads === 1) {
      words[TURN] = 0;
      return words[FAILED] === 0;
    }
    const generation = Atomics.load(words, GENERATION);
    if (Atomics.add(words, ARRIVED, 1) === this.#threads - 1) {
      const next = ((generation & ~1) + 2) | Atomics.load(words, FAILED);
      Atomics.store(words, ARRIVED, 0);
      Atomics.store(words, TURN, 0);
      Atomics.store(words, GENERATION, next);
      if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, GENERATION);
      return (next & 1) === 0;
    }
    let now = Atomics.load(words, GENERATION);
    for (let poll = 0; now === generation && poll < POLLS; poll++) {
      pause();
      now = Atomics.load(words, GENERATION);
    }
    if (now === generation) {
      Atomics.add(words, SLEEPERS, 1);
      while (now === generation) {
        Atomics.wait(words, GENERATION, generation);
        now = Atomics.load(words, GENERATION);
      }
      Atomics.sub(words, SLEEPERS, 1);
    }
    return (now & 1) === 0;
  }

  /** Records a failure; the first one since {@linkcode clear} is kept. */
  fail(message: string): void {
    const bytes = new TextEncoder().encode(message).subarray(0, TEXT_BYTES);
    if (Atomics.compareExchange(this.#words, TEXT_LENGTH, 0, bytes.length) === 0) {
      this.#text.set(bytes);
    }
    Atomics.store(this.#words, FAILED, 1);
  }

  /** The failure's message, if there is one. Call it only after a {@linkcode wait}. */
  failure(): string | undefined {
    if (Atomics.load(this.#words, FAILED) === 0) return undefined;
    return new TextDecoder().decode(this.#text.slice(0, this.#words[TEXT_LENGTH]));
  }

  /** Forgets the failure. Call it only while no thread computes. */
  clear(): void {
    Atomics.store(this.#words, TEXT_LENGTH, 0);
    Atomics.store(this.#words, FAILED, 0);
  }
}
