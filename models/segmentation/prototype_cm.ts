/** The Clustering Module with prototypes that are given: it learns the assignments alone. */
import type { ParameterBlock } from "../../engine/network/module.ts";
import type { Autoencoder } from "../networks/autoencoder.ts";
import type { ClusteringModule } from "../networks/clustering_module.ts";
import { CM } from "../cm.ts";
import type { CMOptions } from "../cm_options.ts";
import type { Fitting } from "../training/deep_estimator.ts";

/** U is fixed; V and c are trained. */
export class PrototypeCM extends CM {
  /**
   * @param prototypes U, [K, d] row-major. @param options See {@linkcode CM}; K is that of U.
   * @throws {RangeError} naming an option that is out of range.
   */
  constructor(
    private readonly prototypes: Float32Array,
    options: Omit<Partial<CMOptions>, "init"> & Pick<CMOptions, "clusters">,
  ) {
    super(options);
  }

  /** V and c. */
  protected override trained(net: Autoencoder): ParameterBlock {
    return net.encoderParameters;
  }

  /** Starts with the assignments of Gaussians of 2σ² = d around the prototypes. */
  protected override async initialize(
    { training }: Fitting,
    module: ClusteringModule,
  ): Promise<void> {
    await training.once("prototypes", () => {
      module.initialize(this.prototypes, { twiceVariance: module.net.sizes.inputs });
      return Promise.resolve(null);
    });
  }
}
