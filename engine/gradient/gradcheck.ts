/**
 * Gradient checks in float64 on the oracle: central differences, and the adjoint identity
 * ⟨v, J·u⟩ = ⟨Jᵀ·v, u⟩ along random directions.
 */
import { gradients } from "./gradient.ts";
import { apply } from "../tensor/op.ts";
import { add, mul } from "../ops/binary.ts";
import { sum } from "../ops/sum.ts";
import { OracleBackend } from "../backend/oracle.ts";
import { type Outputs, type Program, trace } from "../planner/program.ts";
import { RandomStream, STREAM } from "../random.ts";
import { sizeOf } from "../tensor/shape.ts";
import { State } from "../state/state.ts";
import type { Example, Op, Tensor, Variable } from "../tensor/tensor.ts";

/** Step of the central differences. */
export const EPSILON = 1e-6;
/** |analytic − numeric| ≤ ATOL + RTOL·|numeric| passes, as in PyTorch's gradcheck. */
export const ATOL = 1e-5;
/** See {@linkcode ATOL}. */
export const RTOL = 1e-3;

/** The outcome of one check. */
export interface GradientCheck {
  /** Op or model, and which case of it. */
  readonly name: string;
  /** Elements compared. */
  readonly elements: number;
  /** Largest |analytic − numeric| / (ATOL + RTOL·|numeric|); above 1 the check fails. */
  readonly worst: number;
  /** Where: which target and element, and both values. */
  readonly place: string;
  /** Error of the adjoint identity along a random direction, in the unit of `worst`. */
  readonly adjoint: number;
  /** Elements left out, because a kink lies within the step of the difference. */
  readonly kinks: number;
  /** Whether both errors are within bounds; the adjoint one is waived where kinks were left out. */
  readonly passed: boolean;
}

/** A scalar function of variables, in float64. */
export interface Subject {
  /** Op or model, for messages. */
  readonly name: string;
  /** The variables to differentiate by. */
  readonly targets: readonly Variable[];
  /** Traces the loss; called twice, so it must build the same each time. */
  loss(): Tensor;
  /** The same loss with its detached targets held fixed, whose differences are taken. */
  frozen?(): Tensor;
  /** At most this many elements of each target are perturbed, spread evenly; all by default. */
  readonly perElement?: number;
}

/** Writes float64 values, which only the oracle's memory can hold. */
function poke(variable: Variable, data: Float64Array): void {
  (variable.backend as OracleBackend).write(variable.region, data);
}

async function lossOf(program: Program<{ loss: Tensor }>): Promise<number> {
  program.run();
  return (await program.read()).loss[0];
}

/** Compares the gradients of `subject` with differences of its loss. */
export async function checkGradients(
  oracle: OracleBackend,
  subject: Subject,
  seed = 0,
): Promise<GradientCheck> {
  const { name, targets, perElement = Infinity } = subject;
  const build = (): Outputs =>
    Object.fromEntries(
      gradients(subject.loss(), targets).map((gradient, i) => [`g${i}`, gradient]),
    );
  using backward = await trace(oracle, build, `${name} gradient`);
  using forward = await trace(
    oracle,
    () => ({ loss: (subject.frozen ?? subject.loss)() }),
    `${name} loss`,
  );
  backward.run();
  const analytic = await backward.read();
  const base = await lossOf(forward);

  let worst = 0;
  let place = "";
  let elements = 0;
  let kinks = 0;
  let alongDirection = 0;
  const random = new RandomStream(seed, STREAM.audit);
  const directions: Float64Array[] = [];
  const starts: Float64Array[] = [];
  for (const [i, target] of targets.entries()) {
    const values = (await target.read()) as Float64Array;
    const start = values.slice();
    const direction = Float64Array.from(start, () => random.uniform(-1, 1));
    starts.push(start);
    directions.push(direction);
    const gradient = analytic[`g${i}`];
    for (let j = 0; j < start.length; j++) alongDirection += gradient[j] * direction[j];
    const stride = Math.max(1, Math.floor(start.length / perElement));
    for (let j = 0; j < start.length; j += stride) {
      const at = async (delta: number) => {
        values[j] = start[j] + delta;
        poke(target, values);
        return await lossOf(forward);
      };
      const [up, down] = [await at(EPSILON), await at(-EPSILON)];
      values[j] = start[j];
      const numeric = (up - down) / (2 * EPSILON);
      // A kink inside the step: the one-sided slopes disagree far beyond the curvature's share,
      // and any value between them is admissible.
      const [right, left] = [(up - base) / EPSILON, (base - down) / EPSILON];
      const slack = ATOL + RTOL * Math.abs(numeric);
      const error = Math.abs(gradient[j] - numeric) / slack;
      elements++;
      if (error > 1 && Math.abs(right - left) > 10 * slack) {
        const [low, high] = [Math.min(left, right), Math.max(left, right)];
        if (gradient[j] >= low - slack && gradient[j] <= high + slack) {
          kinks++;
          continue;
        }
      }
      if (error > worst || Number.isNaN(error)) {
        worst = Number.isNaN(error) ? Infinity : error;
        place = `target ${i} (${target.name}) element ${j}: rule ${
          gradient[j]
        }, difference ${numeric}`;
      }
    }
    poke(target, start);
  }

  const shifted = async (sign: number) => {
    targets.forEach((target, i) =>
      poke(target, starts[i].map((x, j) => x + sign * EPSILON * directions[i][j]))
    );
    return await lossOf(forward);
  };
  const numeric = ((await shifted(1)) - (await shifted(-1))) / (2 * EPSILON);
  targets.forEach((target, i) => poke(target, starts[i]));
  const adjoint = Math.abs(alongDirection - numeric) / (ATOL + RTOL * Math.abs(numeric));
  const passed = worst <= 1 && (adjoint <= 1 || kinks > 0);
  return { name, elements, worst, place, adjoint, kinks, passed };
}

/** Checks an op's gradient rule on one of its examples: L = Σ c ⊙ op(inputs), c random. */
export async function checkOp<A>(op: Op<A>, example: Example<A>, seed = 0): Promise<GradientCheck> {
  const oracle = new OracleBackend();
  using state = new State(oracle);
  const random = new RandomStream(seed, STREAM.audit, 1);
  const inputs = example.inputs.map((input, i) => {
    const { shape, low = -1, high = 1, values, dtype = "f32", awayFromZero = 0 } = input;
    const variable = state.variable(`input ${i}`, shape, { dtype });
    const drawn = Float64Array.from({ length: sizeOf(shape) }, (_, j) => {
      const x = values ? values[j] : random.uniform(low, high);
      return Math.abs(x) < awayFromZero ? awayFromZero : x;
    });
    poke(variable, drawn);
    return variable;
  });
  const targets = inputs.filter((input, i) => {
    const { values, fixed } = example.inputs[i];
    return !values && !fixed && input.dtype === "f32";
  });
  const types = op.infer(inputs, example.attributes);
  const weights = types.map((type, i) => {
    const variable = state.variable(`weight ${i}`, type.shape);
    poke(variable, Float64Array.from({ length: sizeOf(type.shape) }, () => random.uniform(-1, 1)));
    return variable;
  });
  const loss = () => {
    const outputs = apply(op, inputs, example.attributes);
    return outputs.map((output, i) => sum(mul(output, weights[i]))).reduce(add);
  };
  return await checkGradients(oracle, { name: `${op.name}: ${example.name}`, targets, loss }, seed);
}
