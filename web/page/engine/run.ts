/** A training that the page can pause, step, change and stop; its results as files. */
import type { Dataset } from "../../../datasets/dataset.ts";
import type { Backend } from "../../../engine/backend/backend.ts";
import { DeviceLostError } from "../../../engine/backend/errors.ts";
import { openDevice } from "../../../engine/device.ts";
import {
  type Checkpoint,
  type Estimator,
  type FitResult,
  InterruptedError,
  type LogRow,
  type PhaseTimes,
  type TrainingEvent,
} from "../../../models/estimator.ts";
import { startCutsOf } from "../../../models/evaluation/diagnostics.ts";
import type { OptionValues } from "../../../models/options.ts";
import { METHODS } from "../../../models/registry.ts";
import type { Answer, Download, TrainRequest } from "../messages.ts";
import { classCountOf } from "./data.ts";
import { fileOf } from "./files.ts";
import { type Finished, outcomeOf } from "./results.ts";
import { Views } from "./views.ts";

/**
 * One training. A pause aborts `fit`, which saves a checkpoint, and going on resumes from it: the bytes
 * of the result are those of a run that was never paused.
 */
export class Run {
  private estimator: Estimator<OptionValues>;
  private backend: Backend | undefined;
  private checkpoint: Checkpoint | undefined;
  private controller = new AbortController();
  private finished: Finished | undefined;
  private seconds = 0;
  private times: readonly PhaseTimes[] = [];
  private isTraining = false;
  private isStopped = false;
  private readonly views: Views;

  /**
   * Checks everything; nothing is computed yet.
   * @throws {OptionError} naming the option that is wrong. @throws {RangeError} for data that do not fit.
   */
  constructor(
    private readonly request: TrainRequest,
    private readonly dataset: Dataset,
    private readonly post: (answer: Answer, transfer?: Transferable[]) => void,
  ) {
    this.estimator = estimatorOf(request, dataset);
    this.views = new Views(dataset, Number(this.estimator.options.clusters));
  }

  /** Trains from the start or the last pause, to the end or the next one. @param step See `resume`. */
  async go(step = false): Promise<void> {
    if (this.isTraining || this.finished || this.isStopped) return;
    this.isTraining = true;
    this.controller = new AbortController();
    const started = performance.now();
    try {
      const { device } = this.request;
      this.backend ??= await openDevice({ device, profile: "sample" });
      const { backend } = this;
      const history = (this.checkpoint?.host.history ?? []) as LogRow[];
      this.post({ kind: "started", device: backend.info.description, history });
      const result = await this.fit(backend, step);
      const seconds = this.seconds + (performance.now() - started) / 1000;
      const { clusters, seed = 0 } = this.estimator.options;
      const startCuts = await startCutsOf(backend, result, Number(clusters), Number(seed));
      this.finished = {
        estimator: this.estimator,
        result,
        backend,
        seconds,
        times: this.times,
        startCuts,
      };
      this.view(this.views.ofResult(result));
      this.post({
        kind: "finished",
        outcome: outcomeOf(this.request, this.dataset, this.finished),
      });
    } catch (error) {
      await this.meet(error);
    } finally {
      this.seconds += (performance.now() - started) / 1000;
      this.isTraining = false;
    }
    if (this.isStopped) await this.stop();
  }

  /** Pauses at the next step. */
  pause(): void {
    this.controller.abort();
  }

  /** Goes on; with `step` to the next row of the log. @param kappa Where the run is not yet bound to one. */
  async resume(step: boolean, kappa?: number): Promise<void> {
    if (this.isTraining) return;
    if (kappa !== undefined && this.openKappa !== undefined) {
      const request = { ...this.request, options: { ...this.estimator.options, kappa } };
      try {
        this.estimator = estimatorOf(request, this.dataset);
      } catch (error) {
        return this.rest((error as Error).message);
      }
    }
    await this.go(step);
  }

  /** Ends it, and frees what it holds. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.controller.abort();
    if (this.isTraining) return;
    const wasFinished = this.finished !== undefined;
    await this.free();
    if (!wasFinished) this.post({ kind: "stopped" });
  }

  private async free(): Promise<void> {
    this.finished = undefined;
    await this.estimator.dispose();
    await this.backend?.dispose();
    this.backend = undefined;
  }

  /** One of the files of a finished run. */
  async download(file: Download): Promise<void> {
    if (!this.finished) {
      throw new Error("the run is not finished yet; there is nothing to download");
    }
    this.post({ kind: "file", ...await fileOf(file, this.request, this.dataset, this.finished) });
  }

  /** κ, until clustering begins: from then on its schedule goes on by itself. */
  private get openKappa(): number | undefined {
    const host = this.checkpoint?.host.host as Record<string, unknown> | undefined;
    const { name, options } = this.estimator;
    return Object.hasOwn(host ?? {}, name) ? undefined : options.kappa as number | undefined;
  }

  private async fit(backend: Backend, step: boolean): Promise<FitResult> {
    const { dataset, checkpoint } = this;
    return await this.estimator.fit(dataset, {
      backend,
      signal: this.controller.signal,
      save: (checkpoint) => Promise.resolve(void (this.checkpoint = checkpoint)),
      ...dataset.classes && { truth: dataset.classes },
      ...checkpoint && { resume: checkpoint },
      onEvent: (event: TrainingEvent) => {
        if (step && event.type === "log") this.pause();
        if (event.type === "times") this.times = [...this.times, event.times];
        this.post({ kind: "event", event });
      },
      onSnapshot: (snapshot) => this.view(this.views.ofSnapshot(snapshot)),
    });
  }

  private view(view: ReturnType<Views["ofSnapshot"]>): void {
    this.post({ kind: "view", view }, [view.points.buffer as ArrayBuffer]);
  }

  /** Pauses where there is something to go on from. @throws everything else. */
  private async meet(error: unknown): Promise<void> {
    if (this.isStopped) return;
    const isLost = error instanceof DeviceLostError;
    if (!(error instanceof InterruptedError) && !isLost) {
      this.isStopped = true;
      await this.free();
      throw error;
    }
    if (isLost) {
      await this.backend?.dispose();
      this.backend = undefined;
    }
    const reason = isLost
      ? `${error.message}; Resume goes on from ${
        this.checkpoint ? "the last checkpoint" : "the start"
      }`
      : undefined;
    this.rest(reason);
  }

  /** Says that it is paused. @param reason Where that was not asked for. */
  private rest(reason?: string): void {
    const kappa = this.openKappa;
    this.post({ kind: "paused", ...kappa !== undefined && { kappa }, ...reason && { reason } });
  }
}

/** As many clusters as there are classes, unless they are given. @throws as {@linkcode Run}. */
function estimatorOf(
  { model, profile, options: given }: TrainRequest,
  dataset: Dataset,
): Estimator<OptionValues> {
  const method = METHODS[model];
  if (method.needsImages && dataset.height === undefined) {
    throw new RangeError(
      `${model} needs images, and the rows of ${dataset.name} have no height and width`,
    );
  }
  const clusters = dataset.classes && classCountOf(dataset.classes);
  const estimator = method.create({
    ...clusters !== undefined && { clusters },
    ...method.profiles[profile].values,
    ...given,
  });
  method.checkColumns?.(estimator.options, dataset.d);
  return estimator;
}
