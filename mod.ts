/**
 * dynae: deep clustering from scratch. A small autodiff tensor engine whose kernels are hand-written
 * WGSL trains autoencoders that cluster: DynAE, and what it is compared with.
 *
 * Importing this module has no side effects; devices and their backends are loaded when one is opened.
 *
 * @example Cluster rows
 * ```ts
 * import { KMeans } from "./mod.ts";
 *
 * const data = Float32Array.of(0, 0, 0, 1, 9, 9, 9, 8);
 * const model = new KMeans({ clusters: 2 });
 * const { labels } = await model.fit({ data, n: 4, d: 2 }, { device: { device: "cpu", threads: 1 } });
 * console.log(labels[0] === labels[1], labels[0] !== labels[2]);
 * await model.dispose();
 * ```
 *
 * @module
 */
export type {
  Backend,
  Call,
  DeviceBuffer,
  DeviceInfo,
  DType,
  Executable,
  MemoryUse,
  Pass,
  PassTime,
  Region,
  ReplayTimes,
  Roofline,
} from "./engine/backend.ts";
export {
  type DeviceName,
  type DeviceOptions,
  openDevice,
  type TileChoice,
} from "./engine/device.ts";
export { DeviceLostError, type LossReason, NoDeviceError } from "./engine/errors.ts";
export { gradients } from "./engine/gradient.ts";
export { checkGradients, checkOp, type GradientCheck, type Subject } from "./engine/gradcheck.ts";
export {
  type CallDescription,
  describePlan,
  formatPlan,
  type OperandDescription,
  type PackDescription,
  type PlanDescription,
} from "./engine/inspect/plan.ts";
export {
  addTimes,
  formatRoofline,
  formatTimes,
  type ProgramTimes,
} from "./engine/inspect/times.ts";
export {
  Convolution,
  ConvolutionLayer,
  type ConvolutionSizes,
  TransposedConvolution,
} from "./engine/convolution_layers.ts";
export {
  type ActivationName,
  Dense,
  type DenseOptions,
  fanInUniform,
  glorotUniform,
  type Initializer,
  Mlp,
  type Module,
  normal,
  type ParameterBlock,
  Parameters,
  type ParameterSpec,
  zeros,
} from "./engine/module.ts";
export type {
  Emitter,
  Example,
  ExampleInput,
  GradientRule,
  NoGradient,
  Op,
  TensorType,
} from "./engine/op.ts";
export { binaryCrossEntropyWithLogits, leakyRelu, softplus } from "./engine/ops/activation.ts";
export { confidence, selectTarget, softAssign } from "./engine/ops/assignment.ts";
export { augment } from "./engine/ops/augment.ts";
export {
  add,
  div,
  greater,
  greaterEqual,
  maximum,
  minimum,
  mul,
  reluGradient,
  sub,
} from "./engine/ops/binary.ts";
export { broadcastTo } from "./engine/ops/broadcast.ts";
export { orthonormalize } from "./engine/ops/orthonormalize.ts";
export { assign, callKernel } from "./engine/ops/call.ts";
export { constant } from "./engine/ops/constant.ts";
export {
  convolution,
  transposedConvolution,
  type TransposedOptions,
} from "./engine/ops/convolution.ts";
export { accumulate, advance } from "./engine/ops/counter.ts";
export { dense, denseInputGradient, denseWeightGradient } from "./engine/ops/dense.ts";
export { squaredDistances } from "./engine/ops/distances.ts";
export { interpolate, interpolateReversed } from "./engine/ops/interpolate.ts";
export { matmul, matmulTransposeA, matmulTransposeB } from "./engine/ops/matmul.ts";
export { dropout, maskNoise, randomNormal } from "./engine/ops/noise.ts";
export type { AdamConstants, SgdConstants } from "./engine/ops/optimize.ts";
export { fold, type PatchOptions, unfold } from "./engine/ops/patches.ts";
export {
  type BatchOptions,
  type BatchOrder,
  batchRows,
  randomUniform,
  type Stream,
} from "./engine/ops/random.ts";
export { reshape, stopGradient } from "./engine/ops/reshape.ts";
export { gather, scatterRows } from "./engine/ops/rows.ts";
export { logSoftmax, logSumExp, rowMax, softmax } from "./engine/ops/softmax.ts";
export { meanSquaredError, squaredError } from "./engine/ops/squared_error.ts";
export { mean, sum } from "./engine/ops/sum.ts";
export {
  abs,
  affine,
  copy,
  cos,
  exp,
  log,
  negate,
  reciprocal,
  relu,
  scale,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  tanh,
} from "./engine/ops/unary.ts";
export { Adam, type AdamOptions, minimizeTogether, type Optimizer, Sgd } from "./engine/optim.ts";
export { OracleBackend } from "./engine/oracle.ts";
export type { CallSource, Plan } from "./engine/plan.ts";
export { observePrograms, type Outputs, Program, trace } from "./engine/program.ts";
export { RandomStream } from "./engine/random.ts";
export type { Shape } from "./engine/shape.ts";
export { type Snapshot, State, type VariableOptions } from "./engine/state.ts";
export { type Chunk, Table } from "./engine/table.ts";
export { type Node, Tensor, Variable } from "./engine/tensor.ts";
export type {
  Access,
  Adapter,
  AdapterClass,
  Binding,
  BindingType,
  CaseBuffer,
  Constants,
  Cost,
  Fill,
  Kernel,
  KernelCase,
  NumberArray,
  Parameter,
  Params,
  Shader,
  Tolerance,
} from "./kernels/kernel.ts";
export {
  AECM,
  type JointLosses,
  jointLosses,
  type JointWeights,
  orthonormalityPenalty,
  unitSparsityTerm,
} from "./models/ae_cm.ts";
export type { AECMOptions, Orthonormality } from "./models/ae_cm_options.ts";
export { AEKMeans, type AEKMeansOptions } from "./models/ae_kmeans.ts";
export {
  type ArchitectureOptions,
  Autoencoder,
  type AutoencoderSizes,
  type InitializerName,
  type LayerPair,
} from "./models/networks/autoencoder.ts";
export { type AuditedLoss, AuditScene, type LossAudit } from "./models/audit_scene.ts";
export {
  CentroidEstimator,
  type CentroidOptions,
  type ClusteringPhase,
  type PretrainingEnd,
} from "./models/training/centroid_estimator.ts";
export {
  ConvolutionalAutoencoder,
  type ConvolutionalSizes,
  type Decoded,
  type Encoded,
} from "./models/networks/convolutional_autoencoder.ts";
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
} from "./models/networks/clustering_module.ts";
export { CM } from "./models/cm.ts";
export type { ClusteringOptions, CMOptions } from "./models/cm_options.ts";
export { DCN, type DCNLosses, dcnLosses, type DCNOptions, updateCentroids } from "./models/dcn.ts";
export { DEC, decLoss, type DECOptions } from "./models/dec.ts";
export { diagnose, type Diagnostics, warningsOf } from "./models/evaluation/diagnostics.ts";
export type { FeatureDiagnosticsOptions } from "./models/evaluation/feature_diagnostics.ts";
export {
  DeepEstimator,
  type Fitting,
  type Network,
  NetworkEstimator,
  type NetworkOptions,
  type SampleShape,
} from "./models/training/deep_estimator.ts";
export { DEPICT } from "./models/depict.ts";
export { crossEntropy } from "./models/depict_clustering.ts";
export type { DEPICTOptions } from "./models/depict_options.ts";
export { type ReconstructionLosses, reconstructionLosses } from "./models/depict_pretraining.ts";
export {
  annealedAlphas,
  DKM,
  type DKMLosses,
  dkmLosses,
  type DKMOptions,
  softKMeansLoss,
} from "./models/dkm.ts";
export { Rows, type Window } from "./models/training/rows.ts";
export {
  DynAE,
  type DynamicLosses,
  dynamicLosses,
  type DynamicTargets,
  dynamicTargets,
} from "./models/dynae.ts";
export type { DynAEOptions, ThresholdSchedule } from "./models/dynae_options.ts";
export {
  type Checkpoint,
  DivergedError,
  type Estimator,
  type FitContext,
  type FitResult,
  InterruptedError,
  type Json,
  type LogRow,
  type RowSource,
  type Samples,
  type Scores,
  type TrainingEvent,
} from "./models/estimator.ts";
export { type ClusteredCodes, interpolateCodes, sampleCodes } from "./models/networks/generator.ts";
export { GaussianMixture, type GaussianMixtureOptions } from "./models/gmm.ts";
export { IDEC, type IDECLosses, idecLosses, type IDECOptions } from "./models/idec.ts";
export {
  kmeans,
  type KMeansOptions,
  type KMeansResult,
  nearestRows,
} from "./models/shallow/kmeans.ts";
export { KMeans, type KMeansEstimatorOptions } from "./models/kmeans_estimator.ts";
export {
  accuracy,
  adjustedRandIndex,
  normalizedMutualInformation,
} from "./models/evaluation/metrics.ts";
export type { Method } from "./models/method.ts";
export {
  assignToMixture,
  fitMixture,
  type MixtureFit,
  type MixtureOptions,
  type Standardization,
} from "./models/shallow/mixture.ts";
export { pathIntegral } from "./models/shallow/path_integral.ts";
export type { CovarianceType, Maximization, Mixture } from "./models/shallow/mixture_components.ts";
export { METHODS } from "./models/registry.ts";
export type { OptionSpec, OptionValue, OptionValues, Profile } from "./models/options.ts";
export type {
  Corruption,
  CriticMode,
  ErrorForm,
  PretrainingOptimizer,
  PretrainingOptions,
} from "./models/training/pretraining_options.ts";
export {
  klDivergence,
  SelfTraining,
  type SelfTrainingObjective,
  type SelfTrainingOptions,
  targetDistribution,
} from "./models/training/self_training.ts";
export type { Image } from "./models/segmentation/image_patches.ts";
export {
  type Point,
  segment,
  type Segmentation,
  type SegmentationOptions,
} from "./models/segmentation/segmentation.ts";
export { SupervisedCM } from "./models/supervised_cm.ts";
export type { SupervisedCMOptions } from "./models/supervised_cm_options.ts";
export type { Phase, PhaseEnd, Training } from "./models/training/trainer.ts";
export {
  divergence,
  type LossOptions,
  type MixturePrior,
  type Posterior,
  reconstructionCost,
  VaDE,
  type VaDELosses,
  vadeLosses,
  VariationalEncoder,
} from "./models/vade.ts";
export type { OutputLikelihood, VaDEOptions } from "./models/vade_options.ts";
export { Encoding } from "./models/training/whole_pass.ts";
