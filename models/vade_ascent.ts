/** VaDE's clustering: where the mixture begins, and network and mixture on the evidence lower bound. */
import { randomNormal } from "../engine/ops/noise.ts";
import { Adam, type AdamOptions, type Optimizer } from "../engine/network/optim.ts";
import { STREAM } from "../engine/random.ts";
import type { Variable } from "../engine/tensor/tensor.ts";
import { emptyText } from "./evaluation/diagnostics.ts";
import type { ComparedLosses, SampledRows } from "./evaluation/feature_diagnostics.ts";
import type { Autoencoder } from "./networks/autoencoder.ts";
import { VariationalEncoder } from "./networks/variational_encoder.ts";
import { assignToMixture, fitMixture } from "./shallow/mixture.ts";
import { blockOf } from "./training/centroid_options.ts";
import type { Fitting, Trained } from "./training/deep_estimator.ts";
import type { Clustering } from "./training/joint_estimator.ts";
import type { Batch } from "./training/phase.ts";
import type { Report } from "./training/reporting.ts";
import { Start } from "./training/start.ts";
import type { Check, PhaseEnd } from "./training/trainer.ts";
import type { Encoding } from "./training/whole_pass.ts";
import {
  comparedLosses,
  type MixturePrior,
  type VaDELosses,
  vadeLosses,
  VARIANCE_FLOOR,
} from "./vade_losses.ts";
import type { OutputLikelihood, VaDEOptions } from "./vade_options.ts";

/** The losses that are logged. */
export type VaDETerm = "reconstruction" | "divergence";

/** σ̃² starts near this share of the components' mean variance: samples stay with their component. */
const FIRST_VARIANCE_SHARE = 0.1;

/** Falls leave this share of a rate: VaDE's code stops at 2e-4 of 2e-3. */
const LEAST_RATE_SHARE = 0.1;

/** EM on the code: scikit-learn's stopping, and variances not below 1e-3 of the code's. */
const CODE_MIXTURE = {
  covariance: "diag",
  prior: 1,
  sigma2: 0,
  regCovar: 1e-3,
  maxIterations: 100,
  tolerance: 1e-3,
} as const;

/** The clustering phase: network and mixture on the evidence lower bound. */
export class EvidenceAscent implements Clustering<VaDETerm> {
  readonly terms = ["reconstruction", "divergence"] as const;
  readonly batchOrder = "shuffled";
  readonly start: string;
  readonly first?: Start<Autoencoder>;
  private readonly encoder: VariationalEncoder;

  constructor(
    private readonly fitting: Fitting,
    private readonly prior: { readonly [name in keyof MixturePrior]: Variable },
    private readonly isBernoulli: Variable,
    private readonly options: VaDEOptions & { readonly likelihood: OutputLikelihood },
  ) {
    const { net, training: { state } } = fitting;
    const { partition } = options;
    if (partition === "graph") this.first = new Start(fitting, { ...options, partition });
    this.start = this.first?.name ?? "Gaussian mixture of the pre-trained code";
    this.encoder = new VariationalEncoder(state, net, options.seed);
  }

  optimizers(step: Variable): Optimizer[] {
    const { fitting: { training: { state }, net }, encoder, prior, options } = this;
    const { adamEpsilon: epsilon, learningRate, mixtureLearningRate } = options;
    const shared = { step, epsilon, ...decayOf(options) };
    const { logits, centroids, logVariances } = prior;
    const networks = { network: net.parameters, "log variance": encoder.parameters };
    const mixture = { logits, centroids, "log variances": logVariances };
    return [
      ...Object.entries(networks).map(([name, block]) =>
        new Adam(state, `${name} adam`, block, { ...shared, learningRate })
      ),
      ...Object.entries(mixture).map(([name, variable]) =>
        new Adam(state, `mixture ${name} adam`, blockOf(variable), {
          ...shared,
          learningRate: mixtureLearningRate,
        })
      ),
    ];
  }

  /** A mixture by EM on the code; its weights start equal, as in the authors' code: logits of 0. */
  async begin(encoding: Encoding): Promise<Uint32Array> {
    const { fitting, prior, options } = this;
    const { clusters, latent, nInit, seed } = options;
    const { context: { signal }, backend } = fitting.training;
    const { codes } = encoding;
    const from = await this.first?.find(encoding) ?? nInit;
    const values = Float32Array.from(await codes.read());
    const settings = { ...CODE_MIXTURE, clusters, seed, signal };
    const found = await fitMixture(backend, values, latent, from, settings);
    const { mixture, standardization } = found;
    const { shift, scale } = standardization;
    prior.centroids.write(
      Float32Array.from(mixture.means, (mean, i) => shift[i % latent] + scale * mean),
    );
    const variances = mixture.covariances.map((variance) => scale ** 2 * variance);
    prior.logVariances.write(
      Float32Array.from(
        variances,
        (variance) => Math.log(Math.max(variance - VARIANCE_FLOOR, VARIANCE_FLOOR)),
      ),
    );
    this.encoder.startAt(posteriorVariances(variances, clusters, latent));
    this.isBernoulli.write(Uint32Array.of(options.likelihood === "bernoulli" ? 1 : 0));
    return await assignToMixture(backend, values, latent, standardization, "diag", mixture);
  }

  losses({ x, step }: Batch): VaDELosses {
    const { fitting: { net }, encoder, prior, options } = this;
    const stream = { seed: options.seed, stream: STREAM.latent };
    const noise = randomNormal(step, [x.shape[0], options.latent], stream);
    return vadeLosses(net, encoder, prior, x, noise, options);
  }

  /** Ends where one cluster has taken all rows. */
  async check(_step: number, report?: Report): Promise<Check> {
    const { clusters } = this.options;
    const labels = await this.fitting.label();
    const sizes = new Uint32Array(clusters);
    for (const label of labels) sizes[label]++;
    const largest = Math.max(...sizes) / labels.length;
    const clustersInUse = sizes.filter((size) => size > 0).length;
    const row = { clustersInUse, largest, ...await report?.(labels) };
    if (clustersInUse > 1 || clusters === 1) return { row };
    return { row, stop: "collapsed: all rows are in one cluster" };
  }

  compared(sample: SampledRows): ComparedLosses {
    const { fitting: { net }, encoder, prior, options: { likelihood } } = this;
    return comparedLosses(net, encoder, prior, sample, likelihood);
  }

  /** Says what may keep clusters that are empty in the end. */
  async finish(end: PhaseEnd): Promise<Partial<Trained>> {
    const { clusters } = this.options;
    const labels = await this.fitting.label();
    const empty = clusters - new Set(labels).size;
    if (empty === 0) return { labels };
    const stopReason = `${end.stopReason}; ${emptyText(empty, clusters)}: a larger ` +
      "reconstructionWeight may keep them";
    return { labels, end: { ...end, stopReason } };
  }
}

/** How Adam's rates decay. */
function decayOf({ decay, steps, decayInterval, decayFactor }: VaDEOptions): Partial<AdamOptions> {
  switch (decay) {
    case "none":
      return {};
    case "cosine":
      return { decaySteps: Math.max(steps, 1) };
    case "falls":
      return { decaySteps: decayInterval, decayFactor, leastShare: LEAST_RATE_SHARE };
  }
}

/** σ̃² that codes start with, [p]: a share of the mean of the components' variances [K, p]. */
function posteriorVariances(
  variances: Float64Array,
  clusters: number,
  latent: number,
): Float64Array {
  const first = new Float64Array(latent);
  variances.forEach((variance, i) =>
    first[i % latent] += FIRST_VARIANCE_SHARE * variance / clusters
  );
  return first;
}
