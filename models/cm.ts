/**
 * CM: the Clustering Module on the data themselves (Boubekki et al., arXiv 2012.03740), a mixture of
 * isotropic Gaussians of one variance as a neural network.
 */
import type { ParameterBlock } from "../engine/network/module.ts";
import { softmax } from "../engine/ops/softmax.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, type AuditScene } from "./audit_scene.ts";
import { type ArchitectureOptions, Autoencoder } from "./networks/autoencoder.ts";
import {
  clusteringLosses,
  ClusteringModule,
  type ClusteringWeights,
  identityMatrix,
} from "./networks/clustering_module.ts";
import { CM_OPTIONS, CM_PROFILES, type CMOptions } from "./cm_options.ts";
import { DeepEstimator, type Fitting, type Trained } from "./training/deep_estimator.ts";
import { Descent } from "./training/descent.ts";
import type { Batch } from "./training/phase.ts";
import { kmeans } from "./shallow/kmeans.ts";
import { defineMethod, type Method } from "./method.ts";
import { resolveOptions } from "./options.ts";
import { score } from "./evaluation/scoring.ts";

/**
 * The Clustering Module on rows. Its code, which `transform` returns, are the soft assignments γ
 * [n, K]; the `clusterCenters` among them are the certain assignments, the identity, and the
 * `prototypes` are the centroids U [K, d] in the space of the data. At random, biases start at 0; the
 * authors' code draws them from Glorot's normal distribution.
 */
export class CM extends DeepEstimator<CMOptions & ArchitectureOptions> {
  /** Its name in the registry. */
  override readonly name = "cm";
  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode CM_METHOD} for all of them.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<CMOptions> = {}) {
    const own = resolveOptions("cm", CM_OPTIONS, options);
    // The module is an autoencoder without hidden layers, of a unit for each cluster.
    const network = { hidden: [], latent: own.clusters, activation: "relu" } as const;
    super({ ...own, ...network, initializer: "glorot" });
  }

  /** It has no network but itself. */
  protected override get isPretrained(): boolean {
    return false;
  }

  /** γ of x [n, d]: [n, K]. */
  protected override encode(net: Autoencoder, x: Tensor): Tensor {
    return softmax(net.encode(x));
  }

  /** The assignments are the code. */
  protected override affinity(codes: Tensor): Tensor {
    return codes;
  }

  /** γ. */
  protected override softAssignment(codes: Tensor): Tensor {
    return this.affinity(codes);
  }

  /** What of the module is trained: all of it. */
  protected trained(net: Autoencoder): ParameterBlock {
    return net.parameters;
  }

  /** Gives the module what it starts from, where that is not random. */
  protected async initialize({ training, rows }: Fitting, module: ClusteringModule): Promise<void> {
    const { clusters, init, nInit, seed } = this.options;
    if (init === "rand") return;
    const { backend, context: { signal } } = training;
    await training.once("k-means++ seeds", async () => {
      // Of rows that outgrow memory, a window is enough to seed from.
      if (rows.isWindowed) await rows.show(rows.consecutive(0));
      const start = { clusters, nInit, maxIterations: 1, seed, signal };
      const { centroids } = await kmeans(backend, rows.table, 0, start);
      module.initialize(centroids, init === "pre" ? "inverse" : { twiceVariance: 1 });
      return null;
    });
  }

  /** Descends the module's loss on the rows. */
  protected override async fitNetwork(fitting: Fitting): Promise<Trained> {
    const { training, net, rows, centroids: vertices, label } = fitting;
    const { options } = this;
    const { context: { truth } } = training;
    vertices.write(identityMatrix(options.clusters));
    const module = new ClusteringModule(net, vertices);
    const descent = new Descent(training, {
      ...options,
      name: "clustering",
      parameters: { clustering: this.trained(net) },
      terms: ["reconstruction", "sparsity", "merging", "prior"],
      interval: options.checkInterval,
    });
    training.restore();
    await this.initialize(fitting, module);
    const losses = ({ x }: Batch) => clusteringLosses(x, module.apply(x), options);
    const end = await descent.run(rows, losses, async () => {
      const labels = await label();
      return { row: { clustersInUse: new Set(labels).size, ...truth && score(truth, labels) } };
    });
    return { end };
  }
}

/** A module on the audit's batch, and its loss by given weights. */
function auditedModule(scene: AuditScene, weights: ClusteringWeights) {
  const { state, seed, x } = scene;
  const sizes = { inputs: x.shape[1], hidden: [], latent: AUDIT_CLUSTERS };
  const net = new Autoencoder(state, sizes, seed, "glorot", { prefix: "module " });
  scene.unsettle(net.parameters.variables);
  const vertices = scene.drawn("vertices", [AUDIT_CLUSTERS, AUDIT_CLUSTERS], 0, 1);
  vertices.write(identityMatrix(AUDIT_CLUSTERS));
  const module = new ClusteringModule(net, vertices);
  const loss = () => clusteringLosses(x, module.apply(x), weights).total;
  return { targets: net.parameters.variables, loss };
}

/** CM's row in the registry. */
export const CM_METHOD: Method = defineMethod<CMOptions>({
  name: "cm",
  summary: "Clustering Module: k-means with soft assignments as an autoencoder of one hidden layer",
  citation: "Boubekki et al., Machine Learning 110, 2021, arXiv 2012.03740",
  options: CM_OPTIONS,
  profiles: CM_PROFILES,
  losses: {
    "sums over the batch": (scene) => auditedModule(scene, { prior: AUDIT_ROWS, normalize: false }),
    "means over the batch": (scene) => auditedModule(scene, { prior: 1.1, normalize: true }),
  },
  softAssignment: "the module's assignments",
  create: (options) => new CM(options),
});
