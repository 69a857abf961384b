/** What the gradient audit of a method's losses is set in: small networks and data, in float64. */
import { assign } from "../engine/ops/call.ts";
import { type Outputs, trace } from "../engine/planner/program.ts";
import { RandomStream, STREAM } from "../engine/random.ts";
import { type Shape, sizeOf } from "../engine/tensor/shape.ts";
import type { State } from "../engine/state/state.ts";
import type { Tensor, Variable } from "../engine/tensor/tensor.ts";
import { Autoencoder } from "./networks/autoencoder.ts";

/** Sizes of the audit's autoencoder. */
export const AUDIT_SIZES = { inputs: 6, hidden: [5, 7], latent: 3 } as const;
/** Rows of the audit's batch. */
export const AUDIT_ROWS = 8;
/** K of the audit. */
export const AUDIT_CLUSTERS = 4;

/** A loss with the parameters that it trains. */
export interface AuditedLoss {
  /** The variables to differentiate by. */
  readonly targets: readonly Variable[];
  /** Traces the loss; called twice, so it must build the same each time. */
  loss(): Tensor;
  /** The same loss with its detached targets held fixed, whose differences are taken. */
  frozen?(): Tensor;
}

/** Makes a loss of what the scene holds. */
export type LossAudit = (scene: AuditScene) => AuditedLoss | Promise<AuditedLoss>;

/** A batch, an autoencoder, and whatever else a loss asks for. */
export class AuditScene {
  /** The network, [rows, inputs] -> [rows, latent] and back; its biases are not zero. */
  readonly net: Autoencoder;
  /** A batch in [0, 1), [rows, inputs]. */
  readonly x: Variable;
  /** Another one, in place of the batch augmented. */
  readonly augmented: Variable;
  /** In [−0.5, 0.5), [K, latent]. */
  readonly centroids: Variable;
  private readonly random: RandomStream;
  private readonly named = new Map<string, Variable>();

  /**
   * Draws network and batch.
   * @param state On the oracle. @param seed Of all values.
   */
  constructor(readonly state: State, readonly seed: number) {
    this.random = new RandomStream(seed, STREAM.audit, 2);
    this.net = new Autoencoder(state, AUDIT_SIZES, seed);
    this.unsettle(this.net.parameters.variables);
    this.x = this.drawn("x", [AUDIT_ROWS, AUDIT_SIZES.inputs], 0, 1);
    this.augmented = this.drawn("augmented", [AUDIT_ROWS, AUDIT_SIZES.inputs], 0, 1);
    this.centroids = this.drawn("centroids", [AUDIT_CLUSTERS, AUDIT_SIZES.latent], -0.5, 0.5);
  }

  /** A variable of uniform numbers in [low, high); the same one for the same name. */
  drawn(name: string, shape: Shape, low: number, high: number): Variable {
    const known = this.named.get(name);
    if (known) return known;
    const data = Float32Array.from({ length: sizeOf(shape) }, () => this.random.uniform(low, high));
    const variable = this.state.variable(`audit ${name}`, shape, { data });
    this.named.set(name, variable);
    return variable;
  }

  /** A variable of given values. */
  given(name: string, values: readonly number[]): Variable {
    return this.state.variable(`audit ${name}`, [values.length], {
      data: Float32Array.from(values),
    });
  }

  /**
   * Moves biases away from zero, which would put the units of a silent layer exactly on ReLU's kink.
   */
  unsettle(variables: readonly Variable[]): void {
    for (const variable of variables) {
      if (variable.shape.length > 1) continue;
      const { random } = this;
      variable.write(Float32Array.from({ length: variable.size }, () => random.uniform(-0.3, 0.3)));
    }
  }

  /** The present values of tensors, as variables: targets that do not follow the parameters. */
  async freeze<T extends Outputs>(values: () => T): Promise<{ [K in keyof T]: Variable }> {
    const frozen: Record<string, Variable> = {};
    using program = await trace(this.state.backend, () => {
      for (const [name, value] of Object.entries(values())) {
        frozen[name] = this.state.variable(`frozen ${name}`, value.shape);
        assign(frozen[name], value);
      }
      return {};
    }, "targets");
    program.run();
    return frozen as { [K in keyof T]: Variable };
  }
}
