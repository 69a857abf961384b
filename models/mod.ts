/**
 * For those who write a method: the estimators and their bases, training phases, networks, losses and
 * partitions, and the registry's row. The engine is an entry of its own.
 * @module
 */
export {
  AECM,
  type JointLosses,
  jointLosses,
  type JointWeights,
  orthonormalityPenalty,
  unitSparsityTerm,
} from "./ae_cm.ts";
export type { AECMOptions, Orthonormality } from "./ae_cm_options.ts";
export { AEKMeans, type AEKMeansOptions } from "./ae_kmeans.ts";
export { type AuditedLoss, AuditScene, type LossAudit } from "./audit_scene.ts";
export { type Clustering, JointEstimator, type JointOptions } from "./training/joint_estimator.ts";
export {
  ConvolutionalAutoencoder,
  type ConvolutionalSizes,
  type Decoded,
  type Encoded,
} from "./networks/convolutional_autoencoder.ts";
export {
  type Clustered,
  clustered,
  type ClusteringLosses,
  clusteringLosses,
  ClusteringModule,
  type ClusteringWeights,
  identityMatrix,
  mergingTerm,
  priorTerm,
  reconstructionTerm,
  sparsityTerm,
} from "./networks/clustering_module.ts";
export { CM } from "./cm.ts";
export type { ClusteringOptions, CMOptions } from "./cm_options.ts";
export { type ClusterIndices, clusterIndices, sampledCut } from "./evaluation/cluster_indices.ts";
export { confidenceOf, marginsOf } from "./evaluation/certainty.ts";
export {
  diagnose,
  type Diagnostics,
  type StartCuts,
  startCutsOf,
  type WarningFacts,
  warningsOf,
} from "./evaluation/diagnostics.ts";
export { DEPICT } from "./depict.ts";
export { crossEntropy, klDivergence } from "./losses.ts";
export type { DEPICTOptions } from "./depict_options.ts";
export { type ReconstructionLosses, reconstructionLosses } from "./depict_pretraining.ts";
export { Rows, type Window } from "./training/rows.ts";
export {
  type Checkpoint,
  DivergedError,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Json,
  type LogRow,
  type RowGraph,
  type RowOutputs,
  type RowSource,
  type Samples,
  type Scores,
  type TrainingEvent,
} from "./estimator.ts";
export { type ClusteredCodes, interpolateCodes, sampleCodes } from "./networks/generator.ts";
export { kmeans, type KMeansOptions, type KMeansResult, nearestRows } from "./shallow/kmeans.ts";
export { KMeans, type KMeansEstimatorOptions, type KMeansModel } from "./kmeans_estimator.ts";
export type { Frame } from "./shallow/frame.ts";
export { accuracy, adjustedRandIndex, normalizedMutualInformation } from "./evaluation/metrics.ts";
export {
  assignToMixture,
  fitMixture,
  type MixtureFit,
  type MixtureOptions,
  responsibilitiesOf,
  type Standardization,
} from "./shallow/mixture.ts";
export type { CovarianceType, Maximization, Mixture } from "./shallow/mixture_components.ts";
export { METHODS } from "./registry.ts";
export {
  SelfTraining,
  type SelfTrainingObjective,
  type SelfTrainingOptions,
  targetDistribution,
} from "./training/self_training.ts";
export type { Image } from "./segmentation/image_patches.ts";
export {
  type Point,
  segment,
  type Segmentation,
  type SegmentationOptions,
} from "./segmentation/segmentation.ts";
export { SupervisedCM } from "./supervised_cm.ts";
export type { SupervisedCMOptions } from "./supervised_cm_options.ts";
export { type Posterior, VariationalEncoder } from "./networks/variational_encoder.ts";
export {
  DCN,
  type DCNLosses,
  dcnLosses,
  type DCNOptions,
  type DCNTerm,
  updateCentroids,
} from "./dcn.ts";
export { DEC, decLoss, type DECOptions, type DECTerm } from "./dec.ts";
export {
  annealedAlphas,
  DKM,
  type DKMLosses,
  dkmLosses,
  type DKMOptions,
  type DKMTerm,
  softKMeansLoss,
} from "./dkm.ts";
export { DynAE } from "./dynae.ts";
export type { DynAETerm } from "./dynae_construction.ts";
export {
  type DynamicLosses,
  dynamicLosses,
  type DynamicTargets,
  dynamicTargets,
} from "./dynae_losses.ts";
export type { DynAEOptions, ThresholdSchedule } from "./dynae_options.ts";
export { IDEC, type IDECLosses, idecLosses, type IDECOptions, type IDECTerm } from "./idec.ts";
export { VaDE } from "./vade.ts";
export type { VaDETerm } from "./vade_ascent.ts";
export {
  divergence,
  type LossOptions,
  type MixturePrior,
  reconstructionCost,
  type VaDELosses,
  vadeLosses,
} from "./vade_losses.ts";
export type { OutputLikelihood, VaDEOptions } from "./vade_options.ts";
export { N2D, type N2DOptions } from "./n2d.ts";
export { GaussianMixture, type GaussianMixtureOptions, type MixtureModel } from "./gmm.ts";
export {
  type ComparedLosses,
  type Diagnosed,
  FEATURE_DIAGNOSTICS,
  type FeatureDiagnosticsOptions,
  type SampledRows,
} from "./evaluation/feature_diagnostics.ts";
export {
  defineMethod,
  type Method,
  type MethodFacts,
  type MethodPretraining,
  type MethodRow,
} from "./method.ts";
export {
  ARCHITECTURE_OPTIONS,
  type ArchitectureOptions,
  Autoencoder,
  type AutoencoderSizes,
  type InitializerName,
  type LayerPair,
} from "./networks/autoencoder.ts";
export {
  type AnySpec,
  type BooleanSpec,
  type ChoiceSpec,
  type Described,
  type IntegersSpec,
  type NamedNumberSpec,
  type NumberSpec,
  OptionError,
  type OptionSpec,
  type OptionValue,
  type OptionValues,
  type Profile,
  type Ranged,
  resolveOptions,
  type SpecOf,
  type Specs,
} from "./options.ts";
export {
  type Found,
  type HostRows,
  ShallowEstimator,
  type ShallowModel,
} from "./shallow/shallow_estimator.ts";
export { BaseEstimator, type FitOutcome, type Fitted } from "./training/base_estimator.ts";
export { Augmentation, type AugmentationOptions } from "./training/batches.ts";
export {
  blockOf,
  CENTROID_OPTIONS,
  type CentroidOptions,
  optimizersOf,
} from "./training/centroid_options.ts";
export {
  DeepEstimator,
  type FittedNetwork,
  type Fitting,
  type Network,
  NetworkEstimator,
  type NetworkOptions,
  type SampleShape,
  type Trained,
} from "./training/deep_estimator.ts";
export { Descent, type DescentSettings } from "./training/descent.ts";
export {
  type Batch,
  type Descents,
  type Losses,
  Phase,
  type PhaseSettings,
  type PhaseSteps,
} from "./training/phase.ts";
export { augmentationFor, Pretraining, pretrainUnlessGiven } from "./training/pretraining.ts";
export {
  type Corruption,
  type CriticMode,
  DENSE_PRETRAINING,
  type ErrorForm,
  PRETRAINING_OPTIONS,
  type PretrainingOptimizer,
  type PretrainingOptions,
} from "./training/pretraining_options.ts";
export { type Report, reporterOf } from "./training/reporting.ts";
export {
  moveToMeans,
  type PartitionName,
  PARTITIONS,
  type PartitionSettings,
  Start,
  START_OPTIONS,
  type StartOptions,
  startPartition,
} from "./training/start.ts";
export { SelfLabelling } from "./training/self_labelling.ts";
export {
  type ClassifierOptions,
  SELF_LABELLING_OPTIONS,
  type SelfLabellingOptions,
} from "./training/self_labelling_options.ts";
export { type Check, type PhaseEnd, type Replay, Training } from "./training/trainer.ts";
export { type Affinity, Encoding, Labelling, labelsOf } from "./training/whole_pass.ts";
export type { Edges } from "./graph/edges.ts";
export { fuzzyGraph } from "./graph/fuzzy_graph.ts";
export { layoutOf, type LayoutOptions } from "./graph/layout.ts";
export {
  type NearestNeighbours,
  nearestNeighbours,
  neighboursAmong,
} from "./graph/nearest_neighbours.ts";
export { sureRows } from "./graph/sure_rows.ts";
export { agreementOf, neighbourhoods, normalizedCut } from "./graph/normalized_cut.ts";
export {
  type GraphPartition,
  graphPartition,
  type GraphPartitionOptions,
  type PartitionCandidate,
} from "./graph/partition.ts";
export { pathIntegral } from "./graph/path_integral.ts";
