/**
 * AE-CM: an autoencoder and a Clustering Module on its code, trained jointly (Boubekki, Kampffmeyer,
 * Brefeld, Jenssen, Joint optimization of an autoencoder for clustering and embedding, Machine
 * Learning 110, 2021; arXiv 2012.03740).
 *
 * Learned codes could shrink the module's loss to nothing. Hence the centroids are kept orthonormal,
 * which fixes their norms, and the data's reconstruction keeps the encoder invertible.
 */
import type { ParameterBlock } from "../engine/network/module.ts";
import { add, mul, sub } from "../engine/ops/binary.ts";
import { assign } from "../engine/ops/call.ts";
import { constant } from "../engine/ops/constant.ts";
import { matmulTransposeB } from "../engine/ops/matmul.ts";
import { squaredError } from "../engine/ops/squared_error.ts";
import { sum } from "../engine/ops/sum.ts";
import { affine, scale } from "../engine/ops/affine.ts";
import { abs, square } from "../engine/ops/unary.ts";
import { trace } from "../engine/planner/program.ts";
import type { State } from "../engine/state/state.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AE_CM_OPTIONS, AE_CM_PROFILES, type AECMOptions } from "./ae_cm_options.ts";
import type { LossAudit } from "./audit_scene.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import { defineMethod, type Method } from "./method.ts";
import { Autoencoder } from "./networks/autoencoder.ts";
import { resolveOptions } from "./options.ts";
import {
  type Clustered,
  clustered,
  clusteringLosses,
  ClusteringModule,
  identityMatrix,
  priorTerm,
  reconstructionTerm,
} from "./networks/clustering_module.ts";
import { DeepEstimator, type Fitting, type Trained } from "./training/deep_estimator.ts";
import { Descent } from "./training/descent.ts";
import { FirstPartition } from "./training/first_partition.ts";
import { augmentationFor, Pretraining } from "./training/pretraining.ts";
import { DENSE_PRETRAINING } from "./training/pretraining_options.ts";
import { reporterOf } from "./training/reporting.ts";
import { Rows } from "./training/rows.ts";
import { Start } from "./training/start.ts";

/** What weighs the terms of {@linkcode jointLosses}. */
export type JointWeights = Pick<
  AECMOptions,
  "prior" | "normalize" | "beta" | "orthonormality" | "orthonormalityWeight"
>;

/** AE-CM's loss and its terms: scalars, each with its weight. */
export interface JointLosses {
  /** β·Σ_i ‖x_i − x̂_i‖², or β times the mean over batch and features. */
  readonly reconstruction: Tensor;
  /** Σ_i ‖z_i − ẑ_i‖², or its mean. */
  readonly code: Tensor;
  /** Σ_i Σ_k γ_ik(1 − γ_ik), divided as the code's term. */
  readonly sparsity: Tensor;
  /** λ times the penalty on U·Uᵀ − I; 0 where U is orthonormal by construction. */
  readonly orthonormality: Tensor;
  /** (1 − α)·Σ_k log γ̄_k */
  readonly prior: Tensor;
  /** Their sum. */
  readonly total: Tensor;
}

/** Σ_i Σ_k γ_ik(1 − γ_ik): the module's E2 where every centroid has norm 1; γ [n, K]. */
export function unitSparsityTerm(gamma: Tensor): Tensor {
  return sum(mul(gamma, affine(gamma, -1, 1)));
}

/**
 * Σ_kl |(U·Uᵀ − I)_kl|, or the sum of its squares; the diagonal counts.
 * @param centroids U, [K, p]. @param identity [K, K].
 */
export function orthonormalityPenalty(
  centroids: Tensor,
  identity: Tensor,
  norm: "l1" | "frobenius",
): Tensor {
  const excess = sub(matmulTransposeB(centroids, centroids), identity);
  return sum(norm === "l1" ? abs(excess) : square(excess));
}

/**
 * AE-CM's loss on a batch; nothing of it is detached.
 * @param x [n, d]. @param decoded g(z), [n, d]. @param z f(x), [n, p].
 * @param parts What the module makes of z. @param identity [K, K].
 */
export function jointLosses(
  { x, decoded, z, parts, identity }: {
    readonly x: Tensor;
    readonly decoded: Tensor;
    readonly z: Tensor;
    readonly parts: Clustered;
    readonly identity: Tensor;
  },
  { prior: alpha, normalize, beta, orthonormality: norm, orthonormalityWeight }: JointWeights,
): JointLosses {
  const factor = normalize ? 1 / z.size : 1;
  const reconstruction = scale(squaredError(decoded, x), normalize ? beta / x.size : beta);
  const code = scale(reconstructionTerm(z, parts), factor);
  const sparsity = scale(unitSparsityTerm(parts.gamma), factor);
  const orthonormality = norm === "hard"
    ? constant(0)
    : scale(orthonormalityPenalty(parts.centroids, identity, norm), orthonormalityWeight);
  const prior = priorTerm(parts.gamma, alpha);
  const total = add(add(add(reconstruction, code), add(sparsity, orthonormality)), prior);
  return { reconstruction, code, sparsity, orthonormality, prior, total };
}

/** What of the loss depends on γ, with γ as it is and with that of the classes; the reconstruction. */
export function comparedJointLosses(
  net: Pick<Autoencoder, "encode" | "decode">,
  module: ClusteringModule,
  { x, oneHot }: Pick<SampledRows, "x" | "oneHot">,
  options: JointWeights & Pick<AECMOptions, "batchSize">,
): ComparedLosses {
  const z = net.encode(x);
  const decoded = net.decode(z);
  // Where sums over the batch are taken, the sample's prior must have the weight of a batch's.
  const batches = options.normalize ? 1 : x.shape[0] / options.batchSize;
  const weights = { ...options, prior: 1 + batches * (options.prior - 1) };
  const losses = (gamma: Tensor) => {
    const parts = clustered(gamma, module.centroids);
    const terms = jointLosses({ x, decoded, z, parts, identity: module.vertices }, weights);
    const { reconstruction, code, sparsity, prior } = terms;
    return { reconstruction, clustering: add(add(code, sparsity), prior) };
  };
  const { clustering, reconstruction } = losses(module.assign(z));
  return { pseudo: clustering, supervised: losses(oneHot).clustering, reconstruction };
}

/** AE-CM's joint training of autoencoder and Clustering Module; labels are the largest γ. */
export class AECM extends DeepEstimator<AECMOptions> {
  /** Its name in the registry. */
  override readonly name = "ae-cm";
  private module?: ClusteringModule;

  /**
   * Checks the options; devices are opened by `fit`.
   * @param options What differs from the profile `default`; see {@linkcode AE_CM_METHOD} for all of them.
   * @throws {RangeError} naming the option, the value and what would be right.
   */
  constructor(options: Partial<AECMOptions> = {}) {
    super(resolveOptions("ae-cm", AE_CM_OPTIONS, options));
    const { orthonormality, latent, clusters, init, moduleBiases } = this.options;
    if (init === "posterior" && !moduleBiases) {
      throw new RangeError(
        "ae-cm: the init posterior needs the module's biases; take moduleBiases or the init pre",
      );
    }
    if (orthonormality === "hard" && latent < clusters) {
      throw new RangeError(
        `ae-cm: orthonormality hard needs a latent size of at least the clusters, ${clusters}; ` +
          `got ${latent}`,
      );
    }
  }

  /** Unless all begins at random. */
  protected override get isPretrained(): boolean {
    return this.options.init !== "rand";
  }

  /** The module on codes [n, p]. */
  protected override prepare(state: State): void {
    const { clusters, latent, seed, orthonormality, initializer } = this.options;
    const sizes = { inputs: latent, hidden: [], latent: clusters };
    const net = new Autoencoder(state, sizes, seed, initializer, { prefix: "module " });
    const data = identityMatrix(clusters);
    const vertices = state.variable("vertices", [clusters, clusters], { data, saved: false });
    this.module = new ClusteringModule(net, vertices, orthonormality === "hard");
  }

  /** γ of codes [n, p]: [n, K]. */
  protected override affinity(codes: Tensor): Tensor {
    return this.module!.assign(codes);
  }

  /** γ. */
  protected override softAssignment(codes: Tensor): Tensor {
    return this.affinity(codes);
  }

  /** Unless `init` is `rand`: AE+KM, then the module alone; then everything jointly. */
  protected override async fitNetwork(fitting: Fitting): Promise<Trained> {
    const { training, net, rows, centroids, label } = fitting;
    const { options } = this;
    const module = this.module!;
    const start = this.isPretrained ? new PretrainedStart(fitting, module, options) : undefined;
    const joint = new Descent(training, {
      ...options,
      name: "clustering",
      parameters: { autoencoder: net.parameters, ...trainedBlocks("module", module, options) },
      terms: ["reconstruction", "code", "sparsity", "orthonormality", "prior"],
      interval: options.checkInterval,
    });
    training.restore();

    await start?.run();
    const report = await reporterOf(
      fitting,
      options,
      (sample) => comparedJointLosses(net, module, sample, options),
    );
    const end = await joint.run(rows, ({ x }) => {
      const z = net.encode(x);
      const decoded = net.decode(z);
      const identity = module.vertices;
      return jointLosses({ x, decoded, z, parts: module.apply(z), identity }, options);
    }, async () => {
      const labels = await label();
      return { row: { clustersInUse: new Set(labels).size, ...await report?.(labels) } };
    });
    await training.once("centroids", async () => {
      training.context.signal?.throwIfAborted();
      using program = await trace(training.backend, () => {
        assign(centroids, module.centroids);
        return {};
      }, "centroids");
      program.run();
      return null;
    });
    return { end, ...await start?.result() };
  }
}

/** What of the module is trained: all of it, or its weights alone. @param name Of its moments. */
function trainedBlocks(
  name: string,
  { net: { parameters, layerPairs: [{ encoder, decoder }] } }: ClusteringModule,
  { moduleBiases }: AECMOptions,
): Record<string, ParameterBlock> {
  if (moduleBiases) return { [name]: parameters };
  return {
    [`${name} encoder`]: parameters.part([encoder.variables.weight]),
    [`${name} decoder`]: parameters.part([decoder.variables.weight]),
  };
}

/** An autoencoder, a partition of its code, and the module trained alone on its code: what joint training may start from. */
class PretrainedStart {
  /** The partition. */
  readonly first: Start<Autoencoder>;
  private readonly pretraining: Pretraining;
  private readonly found: FirstPartition;
  private readonly alone: Descent<"reconstruction" | "sparsity" | "merging" | "prior">;

  constructor(
    private readonly fitting: Fitting,
    private readonly module: ClusteringModule,
    private readonly options: AECMOptions,
  ) {
    const { training, net, samples } = fitting;
    const augmentation = augmentationFor(training, samples, options);
    this.pretraining = new Pretraining(training, net, augmentation, options);
    this.first = new Start(fitting, options);
    this.found = new FirstPartition(fitting);
    this.alone = new Descent(training, {
      ...options,
      name: "module",
      parameters: trainedBlocks("module alone", module, options),
      terms: ["reconstruction", "sparsity", "merging", "prior"],
      steps: options.moduleSteps,
      averaging: false,
      interval: options.checkInterval,
    });
  }

  /** What was found in the pre-trained code. */
  async result(): Promise<Omit<Trained, "end">> {
    return await this.found.result(this.first.name, await this.first.partitions());
  }

  async run(): Promise<void> {
    const { fitting, module, options } = this;
    const { rows, training, encoding } = fitting;
    await this.pretraining.run(rows);
    await encoding.run();
    await training.once(this.first.name, async () => {
      await this.found.keep(await this.first.find(encoding));
      const start = Float32Array.from(await fitting.centroids.read());
      module.initialize(start, options.init === "pre" ? "inverse" : { twiceVariance: 1 });
      return null;
    });
    // Orthonormality is not asked for yet.
    await this.alone.run(
      Rows.of(encoding.table),
      ({ x: z }) => clusteringLosses(z, clustered(module.assign(z), module.freeCentroids), options),
    );
  }
}

/** The joint loss on the audit's batch, by given weights. */
function audited(weights: Partial<JointWeights>): LossAudit {
  return (scene) => {
    const { net, x, state, seed } = scene;
    const { latent } = net.sizes;
    const clusters = 2;
    const sizes = { inputs: latent, hidden: [], latent: clusters };
    const head = new Autoencoder(state, sizes, seed, "glorot", { prefix: "module " });
    scene.unsettle(head.parameters.variables);
    const identity = scene.drawn("vertices", [clusters, clusters], 0, 1);
    identity.write(identityMatrix(clusters));
    const module = new ClusteringModule(head, identity, weights.orthonormality === "hard");
    const all: JointWeights = {
      prior: 3,
      normalize: false,
      beta: 0.5,
      orthonormality: "l1",
      orthonormalityWeight: 1,
      ...weights,
    };
    const loss = () => {
      const z = net.encode(x);
      const decoded = net.decode(z);
      return jointLosses({ x, decoded, z, parts: module.apply(z), identity }, all).total;
    };
    return { targets: [...net.parameters.variables, ...head.parameters.variables], loss };
  };
}

/** AE-CM's row in the registry. */
export const AE_CM_METHOD: Method = defineMethod<AECMOptions>({
  name: "ae-cm",
  summary: "An autoencoder and a Clustering Module on its code, trained jointly",
  citation: "Boubekki et al., Machine Learning 110, 2021, arXiv 2012.03740",
  options: AE_CM_OPTIONS,
  pretraining: {
    network: "dense",
    isUsed: (options) => options.init !== "rand" && DENSE_PRETRAINING.isUsed(options),
  },
  profiles: AE_CM_PROFILES,
  losses: {
    "sums, L1 penalty": audited({}),
    "means, Frobenius penalty": audited({ normalize: true, orthonormality: "frobenius" }),
    "orthonormal by construction": audited({ orthonormality: "hard" }),
  },
  labelsAreNearest: false,
  softAssignment: "the module's assignments",
  create: (options) => new AECM(options),
});
