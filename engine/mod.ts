/**
 * The engine: symbolic tensors, their gradients, and programs that are traced once and replayed on
 * WebGPU, in WebAssembly or in float64; and all that an op, a kernel or a layer of one's own needs.
 *
 * @example A step, traced once and replayed
 * ```ts
 * import { Adam, meanSquaredError, Mlp, normal, openDevice, Parameters, State, trace } from "./mod.ts";
 *
 * const device = await openDevice({ device: "cpu", threads: 1 });
 * const state = new State(device);
 * const x = state.variable("x", [2, 1], { data: Float32Array.of(1, 2) });
 * const y = state.variable("y", [2, 1], { data: Float32Array.of(3, 5) });
 * const net = new Mlp([1, 1], normal(0.1));
 * const adam = new Adam(state, "adam", new Parameters(state, { net }, 0), { learningRate: 0.1 });
 * const program = await trace(device, () => {
 *   const loss = meanSquaredError(net.apply(x), y);
 *   adam.minimize(loss);
 *   return { loss };
 * });
 * program.run(500);
 * console.log((await program.read()).loss[0] < 1e-3);
 * program.dispose();
 * state.dispose();
 * await device.dispose();
 * ```
 *
 * @module
 */
export type {
  Backend,
  Call,
  CpuInfo,
  DeviceBuffer,
  DeviceInfo,
  DType,
  Executable,
  MemoryUse,
  OracleInfo,
  Pass,
  PassTime,
  Profiling,
  Region,
  ReplayTimes,
  Roofline,
  WebGpuInfo,
} from "./backend/backend.ts";
export { type DeviceName, type DeviceOptions, openDevice, type TileChoice } from "./device.ts";
export { DeviceLostError, type LossReason, NoDeviceError } from "./backend/errors.ts";
export { gradients } from "./gradient/gradient.ts";
export { checkGradients, checkOp, type GradientCheck, type Subject } from "./gradient/gradcheck.ts";
export {
  type CallDescription,
  describePlan,
  formatPlan,
  type OperandDescription,
  type PackDescription,
  type PlanDescription,
} from "./inspect/plan.ts";
export {
  addTimes,
  formatRoofline,
  formatTimes,
  type KernelTime,
  type ProgramTimes,
  type StepTimes,
  stepTimesOf,
} from "./inspect/times.ts";
export {
  Convolution,
  ConvolutionLayer,
  type ConvolutionSizes,
  TransposedConvolution,
} from "./network/convolution_layers.ts";
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
} from "./network/module.ts";
export { apply } from "./tensor/op.ts";
export { binaryCrossEntropyWithLogits, leakyRelu } from "./ops/activation.ts";
export { affine, negate, scale } from "./ops/affine.ts";
export { confidence, selectTarget, softAssign } from "./ops/assignment.ts";
export { augment } from "./ops/augment.ts";
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
} from "./ops/binary.ts";
export { orthonormalize } from "./ops/orthonormalize.ts";
export { assign, callKernel } from "./ops/call.ts";
export { constant } from "./ops/constant.ts";
export { convolution, transposedConvolution, type TransposedOptions } from "./ops/convolution.ts";
export { accumulate, advance } from "./ops/counter.ts";
export { dense, denseInputGradient, denseWeightGradient } from "./ops/dense.ts";
export { squaredDistances } from "./ops/distances.ts";
export { interpolate, interpolateReversed } from "./ops/interpolate.ts";
export { matmul, matmulTransposeA, matmulTransposeB } from "./ops/matmul.ts";
export { dropout, maskNoise, randomNormal } from "./ops/noise.ts";
export type { AdamConstants, SgdConstants } from "./ops/optimize.ts";
export { fold, type PatchOptions, unfold } from "./ops/patches.ts";
export {
  type BatchOptions,
  type BatchOrder,
  batchRows,
  randomUniform,
  type Stream,
} from "./ops/random.ts";
export { reshape, stopGradient } from "./ops/reshape.ts";
export { gather, scatterRows } from "./ops/rows.ts";
export { logSoftmax, logSumExp, softmax } from "./ops/softmax.ts";
export { meanSquaredError, squaredError } from "./ops/squared_error.ts";
export { broadcastTo, mean, sum } from "./ops/sum.ts";
export {
  abs,
  copy,
  cos,
  exp,
  log,
  reciprocal,
  relu,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  tanh,
} from "./ops/unary.ts";
export { Adam, type AdamOptions, minimizeTogether, type Optimizer, Sgd } from "./network/optim.ts";
export { OracleBackend } from "./backend/oracle.ts";
export type { CallSource } from "./planner/lower.ts";
export type { Plan } from "./planner/plan.ts";
export { observePrograms, type Outputs, Program, trace } from "./planner/program.ts";
export { RandomStream } from "./random.ts";
export type { Shape } from "./tensor/shape.ts";
export { type Snapshot, State, type VariableOptions } from "./state/state.ts";
export { type Chunk, Table } from "./state/table.ts";
export {
  type AliasOp,
  type ConstantOp,
  type Emitter,
  type Example,
  type ExampleInput,
  type GradientRule,
  type Node,
  type NoGradient,
  type Op,
  type OpBase,
  type PackOp,
  Tensor,
  type TensorType,
  type UnpackOp,
  type UpdateOp,
  type ValueOp,
  Variable,
} from "./tensor/tensor.ts";
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
  ShaderFile,
  Tolerance,
} from "../kernels/kernel.ts";
export { expectRank, expectShape } from "./tensor/op.ts";
export { broadcastShapes, formatShape, sameShape, sizeOf } from "./tensor/shape.ts";
export { groupsOf, SMALLEST_NORMAL, ULP, UNIT_ROUNDOFF } from "../kernels/kernel.ts";
