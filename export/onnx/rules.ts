/** What the engine's ops are in ONNX: a rule for each op of the graphs by which models label rows. */
import { affineOp, type Attributes as Affine } from "../../engine/ops/affine.ts";
import { softAssignOp } from "../../engine/ops/assignment.ts";
import { BINARY_OPS } from "../../engine/ops/binary.ts";
import { constantOp } from "../../engine/ops/constant.ts";
import { denseInputGradientOp, denseOp } from "../../engine/ops/dense.ts";
import { squaredDistancesOp } from "../../engine/ops/distances.ts";
import { foldOp, unfoldOp } from "../../engine/ops/patches.ts";
import { reshapeOp, stopGradientOp } from "../../engine/ops/reshape.ts";
import { SOFTMAX_OPS } from "../../engine/ops/softmax.ts";
import { type Attributes as Axes, sumOp } from "../../engine/ops/sum.ts";
import { UNARY_OPS } from "../../engine/ops/unary.ts";
import { isOf } from "../../engine/tensor/op.ts";
import type { Node, Op, Tensor } from "../../engine/tensor/tensor.ts";
import { convolution, transposedConvolution } from "./convolutions.ts";
import type { Attribute } from "./format.ts";
import type { Rule, Translation } from "./translation.ts";

type Row = readonly [unknown, Rule];

/** A rule that knows its op's attributes. */
function rule<A>(op: Op<A>, add: (node: Node<A>, to: Translation) => string): Row {
  return [op, (node, to) => add(node as Node<A>, to)];
}

/** An op that is one operator with the same inputs. */
function same<A>(op: Op<A>, type: string, attributes?: Record<string, Attribute>): Row {
  return rule(
    op,
    ({ inputs }, to) => to.graph.node(type, inputs.map((input) => to.name(input)), attributes),
  );
}

/** A comparison, whose result is 1 or 0. */
function comparison<A>(op: Op<A>, type: string): Row {
  return rule(op, ({ inputs }, to) => {
    const { graph } = to;
    return graph.cast(graph.node(type, inputs.map((input) => to.name(input))), "float");
  });
}

/** y = x·w (+ b); of patches, a convolution. */
function product(node: Node<Record<never, never>>, to: Translation): string {
  const { inputs: [x, w, b] } = node;
  if (isOf(x.node, unfoldOp)) return convolution(node, x.node, to);
  const names = [x, w].map((input) => to.name(input));
  return b ? to.graph.node("Gemm", [...names, to.name(b)]) : to.graph.node("MatMul", names);
}

/** a·x + b. */
function scaled(
  { inputs: [x], attributes: { a, b } }: Node<Affine>,
  to: Translation,
): string {
  const { graph } = to;
  const product = a === 1 ? to.name(x) : graph.node("Mul", [to.name(x), graph.number(a)]);
  return b === 0 ? product : graph.node("Add", [product, graph.number(b)]);
}

/** ‖z_i − c_j‖² by differences, as in the engine: z [n, p], c [K, p] -> [n, K]. */
function squaredDistances([z, centroids]: readonly Tensor[], to: Translation): string {
  const { graph } = to;
  const rows = graph.node("Unsqueeze", [to.name(z), graph.integers(1)]);
  const differences = graph.node("Sub", [rows, to.name(centroids)]);
  const squares = graph.node("Mul", [differences, differences]);
  return graph.node("ReduceSum", [squares, graph.integers(2)], { keepdims: 0 });
}

/** (1 + d²/α)^(−(α+1)/2) over its sum, relative to the nearest centroid as in soft_assign.wgsl. */
function softAssign(
  { inputs, attributes: { alpha } }: Node<{ readonly alpha: number }>,
  to: Translation,
): string {
  const { graph } = to;
  const shares = graph.node("Div", [squaredDistances(inputs, to), graph.number(alpha)]);
  const bases = graph.node("Add", [shares, graph.number(1)]);
  const nearest = graph.node("ReduceMin", [bases], { axes: [1], keepdims: 1 });
  const ratios = graph.node("Div", [nearest, bases]);
  const weights = alpha === 1
    ? ratios
    : graph.node("Pow", [ratios, graph.number(0.5 * (alpha + 1))]);
  const total = graph.node("ReduceSum", [weights, graph.integers(1)], { keepdims: 1 });
  return graph.node("Div", [weights, total]);
}

/** Σ over axes. @throws {RangeError} where rows would be added up. */
function sum(
  { inputs: [x], attributes: { from, to: end } }: Node<Axes>,
  to: Translation,
): string {
  if (from === 0 && to.isOfRows(x)) throw new RangeError(`ONNX: a sum over the rows of ${x}`);
  const { graph } = to;
  const axes = Array.from({ length: end - from }, (_, i) => from + i);
  return graph.node("ReduceSum", [to.name(x), graph.integers(...axes)], { keepdims: 0 });
}

/** Rules by op. */
export const RULES: ReadonlyMap<unknown, Rule> = new Map([
  same(BINARY_OPS.add, "Add"),
  same(BINARY_OPS.sub, "Sub"),
  same(BINARY_OPS.mul, "Mul"),
  same(BINARY_OPS.div, "Div"),
  same(BINARY_OPS.max, "Max"),
  same(BINARY_OPS.min, "Min"),
  comparison(BINARY_OPS.greater, "Greater"),
  comparison(BINARY_OPS.greaterEqual, "GreaterOrEqual"),
  same(UNARY_OPS.copy, "Identity"),
  same(UNARY_OPS.relu, "Relu"),
  same(UNARY_OPS.exp, "Exp"),
  same(UNARY_OPS.log, "Log"),
  same(UNARY_OPS.sqrt, "Sqrt"),
  rule(UNARY_OPS.square, ({ inputs: [x] }, to) => to.graph.node("Mul", [to.name(x), to.name(x)])),
  same(UNARY_OPS.reciprocal, "Reciprocal"),
  same(UNARY_OPS.sigmoid, "Sigmoid"),
  same(UNARY_OPS.tanh, "Tanh"),
  same(UNARY_OPS.abs, "Abs"),
  same(UNARY_OPS.softplus, "Softplus"),
  same(SOFTMAX_OPS.softmax, "Softmax", { axis: 1 }),
  same(SOFTMAX_OPS.logSoftmax, "LogSoftmax", { axis: 1 }),
  same(SOFTMAX_OPS.logSumExp, "ReduceLogSumExp", { axes: [1], keepdims: 0 }),
  rule(affineOp, scaled),
  rule(constantOp, ({ attributes: { value } }, { graph }) => graph.number(value)),
  rule(denseOp, product),
  rule(
    denseInputGradientOp,
    ({ inputs: [dy, w] }, to) => to.graph.node("Gemm", [to.name(dy), to.name(w)], { transB: 1 }),
  ),
  rule(squaredDistancesOp, ({ inputs }, to) => squaredDistances(inputs, to)),
  rule(softAssignOp, softAssign),
  rule(sumOp, sum),
  rule(
    reshapeOp,
    ({ inputs: [x], outputs: [y] }, to) =>
      to.graph.node("Reshape", [to.name(x), to.graph.integers(...to.shapeOf(y))]),
  ),
  rule(stopGradientOp, ({ inputs: [x] }, to) => to.name(x)),
  rule(foldOp, (node, to) => {
    const patches = node.inputs[0].node;
    if (isOf(patches, denseInputGradientOp)) return transposedConvolution(node, patches, to);
    throw new RangeError("ONNX: patches that are folded must come from a product");
  }),
]);
