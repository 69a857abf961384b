/**
 * The one training loop. A phase replays programs between fixed steps at which it looks at the device;
 * nothing that depends on time enters the results.
 */
import type { Backend } from "../../engine/backend/backend.ts";
import { stepTimesOf } from "../../engine/inspect/times.ts";
import type { Program } from "../../engine/planner/program.ts";
import { State } from "../../engine/state/state.ts";
import type { Variable } from "../../engine/tensor/tensor.ts";
import {
  DivergedError,
  type FitContext,
  InterruptedError,
  type Json,
  type LogRow,
  type TrainingEvent,
  type TrainingSnapshot,
} from "../estimator.ts";
import { Pace } from "./pace.ts";

/** Seconds of work that one submission should be, so that progress is live and Ctrl-C is heard. */
const SUBMISSION_SECONDS = 0.3;

/** What was found at a look at the state; a reason ends the phase. */
export interface Check {
  /** What the log shall hold of it. */
  readonly row: LogRow;
  /** Why the phase ends, for people. */
  readonly stop?: string;
}

/** Programs to be replayed by a step counter of their own. */
export interface Replay {
  /** Its name in the log and in checkpoints. */
  readonly name: string;
  /** Steps after which it ends, if nothing stops it before. */
  readonly steps: number;
  /** A log row is written, and `check` called, at every multiple of this. */
  readonly interval: number;
  /** Sums of the losses since the last row, f32 [terms]. */
  readonly losses: Variable;
  /** The terms, in the variable's order. */
  readonly terms: readonly string[];
  /** The program of step `step`, and how many steps from there it serves. */
  programAt(step: number): Promise<{ program: Program; steps: number }>;
  /** Looks at the state before step `step`; a reason ends the phase. */
  check?(step: number): Promise<Check>;
}

/** How a phase ended. */
export interface PhaseEnd {
  /** Steps made, those before a resumption included. */
  readonly steps: number;
  /** Why it ended, for people. */
  readonly stopReason: string;
}

interface PhaseState {
  step: number;
  /** The step whose check has been made. */
  checked: number;
  /** Steps in the loss sums. */
  summed: number;
  stopReason: string | null;
}

/** Steps that are submitted and not yet waited for. */
interface Flight {
  /** The first of them, and the step after the last. */
  readonly from: number;
  readonly step: number;
  /** Steps in the loss sums. */
  readonly summed: number;
  /** Whether a row of the log is written when they land. */
  readonly logs: boolean;
  /** When they were submitted, in milliseconds. */
  readonly started: number;
  /** The loss sums after them. */
  readonly sums: Promise<ArrayLike<number>>;
}

/** A fit in progress: state on the device, state on the host, log, checkpoints. */
export class Training {
  /** Variables that checkpoints hold. */
  readonly state: State;
  /** The log so far. */
  readonly history: LogRow[];
  /** The host's part of the state, by owner; JSON. */
  readonly host: Record<string, Json>;
  /** Labels and codes as they are, for whoever watches; set once both can be had. */
  look?: () => Promise<Pick<TrainingSnapshot, "labels" | "codes">>;
  private readonly phases: Record<string, PhaseState>;
  private readonly results: Record<string, Json>;
  private savedAt = performance.now();
  private savedStep = 0;
  /** Rows of the log that the last checkpoint holds. */
  private savedRows: number;
  /** Whether all variables exist, with the values that the training goes on from. */
  private isWhole = false;

  /**
   * Starts anew, or with the log and counters of `context.resume`.
   * @param backend Where it runs. @param context Events, checkpoints, abort signal.
   */
  constructor(readonly backend: Backend, readonly context: FitContext) {
    this.state = new State(backend);
    const saved = structuredClone(context.resume?.host ?? {}) as Record<string, Json>;
    this.history = (saved.history ?? []) as LogRow[];
    this.savedRows = this.history.length;
    this.host = (saved.host ?? {}) as Record<string, Json>;
    this.phases = (saved.phases ?? {}) as unknown as Record<string, PhaseState>;
    this.results = (saved.results ?? {}) as Record<string, Json>;
  }

  /** Writes the checkpoint's variables; call it once all variables of the training exist. */
  restore(): void {
    if (this.isWhole) return;
    this.isWhole = true;
    if (this.context.resume) this.state.restore(this.context.resume.variables);
  }

  /** Tells the listener. */
  emit(event: TrainingEvent): void {
    this.context.onEvent?.(event);
  }

  /** Adds a row to the log. */
  log(row: LogRow): void {
    this.history.push(row);
    this.emit({ type: "log", row });
  }

  /** What tells the listener how far some work is: called before its first step, and after some. */
  progressOf(phase: string): (step: number, steps: number) => void {
    let started: number | undefined;
    return (step, steps) => {
      started ??= performance.now();
      const stepsPerSecond = 1000 * step / Math.max(performance.now() - started, 1e-3);
      const secondsLeft = (steps - step) / stepsPerSecond;
      this.emit({ type: "progress", phase, step, steps, stepsPerSecond, secondsLeft, losses: {} });
    };
  }

  /**
   * Does something once in the life of a training, resumed or not: its JSON result is remembered,
   * and what it wrote to variables is in the checkpoint that follows.
   */
  async once<T extends Json>(name: string, work: () => Promise<T>): Promise<T> {
    if (!(name in this.results)) {
      this.emit({ type: "stage", name });
      const logged = this.history.length;
      try {
        this.results[name] = await work();
      } catch (error) {
        // It will be done again, and logged again.
        this.history.length = Math.max(logged, this.savedRows);
        throw error;
      }
      await this.save();
    }
    return this.results[name] as T;
  }

  /** Runs a phase to its end; at once, where a resumed training had ended it. */
  async run(phase: Replay): Promise<PhaseEnd> {
    const state = this.phases[phase.name] ??= { step: 0, checked: -1, summed: 0, stopReason: null };
    const pace = new Pace();
    const programs = new Set<Program>();
    let flight: Flight | undefined;
    const land = async () => {
      const landing = flight;
      flight = undefined;
      if (landing) await this.land(phase, landing, pace);
    };
    while (state.stopReason === null) {
      const { step } = state;
      const atCheck = (step: number) => step % phase.interval === 0 || step >= phase.steps;
      if (state.checked !== step && atCheck(step)) {
        await land();
        await this.check(phase, state);
        continue;
      }
      if (step >= phase.steps) {
        await land();
        state.stopReason = `${phase.steps} steps`;
        await this.save();
        break;
      }
      const count = this.stepsToSubmit(phase, step, pace.rate);
      const started = performance.now();
      await submit(phase, step, count, programs);
      state.step += count;
      state.summed += count;
      this.savedStep += count;
      const logs = phase.check === undefined && atCheck(state.step);
      const sums = phase.losses.read();
      // Its failure is met when it lands.
      sums.catch(() => {});
      const next = { from: step, step: state.step, summed: state.summed, logs, started, sums };
      if (logs) this.resetLosses(phase, state);
      // These steps are submitted before the last ones are waited for: the device is never idle.
      await land();
      flight = next;
      if (this.saveDue) {
        await land();
        await this.saveOrStop();
      }
    }
    await this.reportTimes(phase.name, programs);
    return { steps: state.step, stopReason: state.stopReason! };
  }

  /** Tells the listener what the device has timed of a phase, if anything. */
  private async reportTimes(phase: string, programs: Iterable<Program>): Promise<void> {
    if (this.context.onEvent === undefined) return;
    const times = await stepTimesOf(programs);
    if (times !== undefined) this.emit({ type: "times", times: { phase, ...times } });
  }

  /** Writes a checkpoint, where there is a place for it; none before {@linkcode restore}. */
  async save(): Promise<void> {
    if (!this.isWhole) return;
    this.savedAt = performance.now();
    this.savedStep = 0;
    this.savedRows = this.history.length;
    const { host, history, phases, results } = this;
    await this.context.save?.({
      variables: await this.state.snapshot(),
      host: structuredClone({ host, history, phases, results }) as unknown as Record<string, Json>,
    });
  }

  /** Frees the variables. */
  dispose(): void {
    this.state.dispose();
  }

  /** Up to the next check, a fraction of a second of work, and not past a checkpoint asked for. */
  private stepsToSubmit(phase: Replay, step: number, rate: number): number {
    const check = (Math.floor(step / phase.interval) + 1) * phase.interval;
    const budget = Math.max(1, Math.floor(rate * SUBMISSION_SECONDS));
    const untilSave = Math.max(1, (this.context.saveSteps ?? Infinity) - this.savedStep);
    return Math.min(Math.min(phase.steps, check) - step, budget, untilSave);
  }

  /** Waits for submitted steps and reports them. */
  private async land(phase: Replay, flight: Flight, pace: Pace): Promise<void> {
    const losses = meanLosses(phase, flight, await flight.sums);
    pace.land(flight.step - flight.from, flight.started, performance.now());
    if (flight.logs) this.log({ phase: phase.name, step: flight.step, ...losses });
    this.emit({
      type: "progress",
      phase: phase.name,
      step: flight.step,
      steps: phase.steps,
      stepsPerSecond: pace.rate,
      secondsLeft: (phase.steps - flight.step) / pace.rate,
      losses,
    });
  }

  /** Asks the phase whether to stop, and writes the log row of the step. */
  private async check(phase: Replay, state: PhaseState): Promise<void> {
    const { step, summed } = state;
    const flight = { from: step, step, summed };
    const losses = summed > 0 ? meanLosses(phase, flight, await phase.losses.read()) : {};
    const { row = {}, stop } = await phase.check?.(step) ?? {};
    if (summed > 0 || Object.keys(row).length > 0) {
      this.log({ phase: phase.name, step, ...losses, ...row });
    }
    this.resetLosses(phase, state);
    const { onSnapshot } = this.context;
    if (onSnapshot && this.look) {
      onSnapshot({ phase: phase.name, step, ...await this.look() });
    }
    if (stop !== undefined) {
      state.stopReason = stop;
      await this.save();
    }
  }

  /** Begins new sums after a row of the log. */
  private resetLosses(phase: Replay, state: PhaseState): void {
    phase.losses.write(new Float32Array(phase.losses.size));
    state.summed = 0;
    state.checked = state.step;
  }

  /** Whether a checkpoint is due, or the training shall stop. */
  private get saveDue(): boolean {
    const { signal, saveSeconds = 30, saveSteps = Infinity } = this.context;
    return signal?.aborted || this.savedStep >= saveSteps ||
      performance.now() - this.savedAt > 1000 * saveSeconds;
  }

  /** Saves. @throws {InterruptedError} when aborted. */
  private async saveOrStop(): Promise<void> {
    await this.save();
    if (this.context.signal?.aborted) {
      throw new InterruptedError("interrupted; the checkpoint is written");
    }
  }
}

/**
 * Means of the losses since the last row of the log.
 * @throws {DivergedError} where one is not finite.
 */
function meanLosses(
  { name, terms }: Replay,
  { from, step, summed }: Pick<Flight, "from" | "step" | "summed">,
  sums: ArrayLike<number>,
): Record<string, number> {
  return Object.fromEntries(terms.map((term, i) => {
    if (!Number.isFinite(sums[i])) {
      throw new DivergedError(
        `${name}: the loss term "${term}" became ${sums[i]} between steps ${from} and ${step}; ` +
          `lower the learning rate or check the data: columns of different range want ` +
          `--scale standard. The last checkpoint is from before`,
      );
    }
    return [term, sums[i] / summed];
  }));
}

/**
 * Submits `count` steps from `step` on; waits for nothing but rows that have to be read.
 * @param used The programs that have run are added to it.
 */
async function submit(
  phase: Replay,
  step: number,
  count: number,
  used: Set<Program>,
): Promise<void> {
  while (count > 0) {
    const { program, steps } = await phase.programAt(step);
    used.add(program);
    const now = Math.min(count, steps);
    program.run(now);
    step += now;
    count -= now;
  }
}
