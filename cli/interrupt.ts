/** What Ctrl-C does to a command that computes for long. */
import { type FitContext, InterruptedError } from "../models/estimator.ts";
import { EXIT, Failure } from "./errors.ts";
import { Progress } from "./progress.ts";
import { writeError } from "./terminal.ts";

/** Turns Ctrl-C into an abort; the second one ends the process at once. */
export class Interrupt implements Disposable {
  private readonly controller = new AbortController();
  private readonly signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  /** Aborted by the first one. */
  readonly signal = this.controller.signal;

  /** Listens until it is disposed. @param aim Of stopping at the next step, in the message. */
  constructor(private readonly aim = "") {
    for (const name of this.signals) Deno.addSignalListener(name, this.listener);
  }

  private readonly listener = () => {
    if (this.signal.aborted) Deno.exit(EXIT.interrupted);
    this.controller.abort();
    writeError(`\nstopping at the next step${this.aim}; again to stop at once\n`);
  };

  /** Ctrl-C is as it was. */
  [Symbol.dispose](): void {
    for (const name of this.signals) Deno.removeSignalListener(name, this.listener);
  }
}

/**
 * A fit that keeps nothing of what it has begun: shows its progress, and stops at Ctrl-C.
 * @throws {Failure} with exit code 130 after an interrupt.
 */
export async function interruptible<T>(
  fit: (context: Required<Pick<FitContext, "onEvent" | "signal">>) => Promise<T>,
): Promise<T> {
  const progress = new Progress();
  using interrupt = new Interrupt();
  try {
    return await fit({ onEvent: progress.event.bind(progress), signal: interrupt.signal });
  } catch (error) {
    if (error instanceof InterruptedError) throw new Failure("interrupted", EXIT.interrupted);
    throw error;
  } finally {
    progress.finish();
  }
}
