/** The partition that clustering begins with, kept until the end with the codes that it is of. */
import type { Variable } from "../../engine/tensor/tensor.ts";
import type { Fitting, Network, Trained } from "./deep_estimator.ts";

/** Labels and codes of the start; the variables are made before a checkpoint is restored. */
export class FirstPartition {
  /** u32 [N] */
  private readonly labels: Variable;
  /** [N, p] */
  private readonly codes: Variable;

  /** Makes the variables. @param fitting Whose rows. */
  constructor(private readonly fitting: Pick<Fitting<Network>, "training" | "encoding">) {
    const { training: { state }, encoding } = fitting;
    const { shape } = encoding.codes;
    this.labels = state.variable("pre-trained labels", [shape[0]], { dtype: "u32" });
    this.codes = state.variable("pre-trained codes", shape);
  }

  /** Keeps a partition of the codes of the last pass. @param labels [N]. */
  async keep(labels: Uint32Array): Promise<void> {
    this.labels.write(labels);
    this.codes.write(Float32Array.from(await this.fitting.encoding.codes.read()));
  }

  /** What was kept: [N]. */
  async read(): Promise<Uint32Array> {
    return await this.labels.read() as Uint32Array;
  }

  /**
   * What a training leaves of it.
   * @param start Its name. @param others Partitions that come before it in the result.
   */
  async result(
    start: string,
    others: Trained["partitions"] = {},
  ): Promise<Required<Pick<Trained, "start" | "startCodes" | "partitions">>> {
    return {
      start,
      startCodes: Float32Array.from(await this.codes.read()),
      partitions: { ...others, [start]: await this.read() },
    };
  }
}
