/** Networks: layers with named parameters, laid out in one arena. */
import { REGION_ALIGNMENT } from "../backend/backend.ts";
import { leakyRelu } from "../ops/activation.ts";
import { dense } from "../ops/dense.ts";
import { relu } from "../ops/unary.ts";
import { RandomStream, STREAM } from "../random.ts";
import { type Shape, sizeOf } from "../tensor/shape.ts";
import type { State } from "../state/state.ts";
import { type Tensor, Variable } from "../tensor/tensor.ts";

/** Draws the initial value of element after element. */
export type Initializer = (shape: Shape, random: RandomStream) => Float32Array;

/** Zeros. */
export const zeros: Initializer = (shape): Float32Array => new Float32Array(sizeOf(shape));

/** (fan_in, fan_out) of a weight [inputs, units], or [k, k, inputs, units] of a convolution. */
function fansOf(shape: Shape): readonly [fanIn: number, fanOut: number] {
  const [inputs, units] = shape.slice(-2);
  const pixels = sizeOf(shape.slice(0, -2));
  return [pixels * inputs, pixels * units];
}

/**
 * U(−√(1/fan_in), √(1/fan_in)): Keras' VarianceScaling(1/3, fan_in, uniform), which DynAE's code uses.
 */
export const fanInUniform: Initializer = (shape, random): Float32Array => {
  const limit = Math.sqrt(1 / fansOf(shape)[0]);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-limit, limit));
};

/** U(−√(6/(fan_in + fan_out)), …) (Glorot and Bengio, 2010). */
export const glorotUniform: Initializer = (shape, random): Float32Array => {
  const [fanIn, fanOut] = fansOf(shape);
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-limit, limit));
};

/** N(0, deviation²), by the Box–Muller transform. */
export function normal(deviation: number): Initializer {
  return (shape, random) =>
    Float32Array.from({ length: sizeOf(shape) }, () => {
      // 1 − u is in (0, 1], where the logarithm is finite.
      const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
      return deviation * radius * Math.cos(2 * Math.PI * random.uniform());
    });
}

/** A parameter before it has memory. */
export interface ParameterSpec {
  /** Its name within its module. */
  readonly name: string;
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** Draws its initial values. */
  readonly initializer: Initializer;
  /** Called once, with the variable that holds the parameter. */
  bind(variable: Variable): void;
}

/** Something with parameters. */
export interface Module {
  /** All parameters, in a fixed order. */
  parameters(): ParameterSpec[];
}

/** max(x, 0), or its leaky form: 0.2·x for x < 0. */
export type ActivationName = "relu" | "leakyRelu";

/** Activations of hidden layers, by name. */
export const ACTIVATIONS: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  relu,
  leakyRelu: (x) => leakyRelu(x, 0.2),
};

/** Options of {@linkcode Dense}. */
export interface DenseOptions {
  /** Applied to the output; none by default. */
  readonly activation?: ActivationName;
  /** Of the weight; the bias starts at zero. */
  readonly initializer?: Initializer;
}

/** A fully connected layer y = act(x·w + b): x [m, inputs] -> y [m, units]. */
export class Dense implements Module {
  private weight?: Variable;
  private bias?: Variable;

  /** Its parameters. @throws {TypeError} before they have memory. */
  get variables(): { readonly weight: Variable; readonly bias: Variable } {
    const { weight, bias } = this;
    if (!weight || !bias) {
      throw new TypeError("Dense: give the layer memory first, with new Parameters(state, …)");
    }
    return { weight, bias };
  }

  /**
   * A layer whose parameters have no memory yet.
   * @param inputs Columns of x. @param units Columns of y. @param options Activation, initialiser.
   */
  constructor(
    readonly inputs: number,
    readonly units: number,
    private readonly options: DenseOptions = {},
  ) {}

  /** `weight` [inputs, units] and `bias` [units]. */
  parameters(): ParameterSpec[] {
    return [
      {
        name: "weight",
        shape: [this.inputs, this.units],
        initializer: this.options.initializer ?? fanInUniform,
        bind: (variable) => void (this.weight = variable),
      },
      {
        name: "bias",
        shape: [this.units],
        initializer: zeros,
        bind: (variable) => void (this.bias = variable),
      },
    ];
  }

  /** y = act(x·w + b). @throws {TypeError} before the parameters have memory. */
  apply(x: Tensor): Tensor {
    const { weight, bias } = this.variables;
    const y = dense(x, weight, bias);
    const { activation } = this.options;
    return activation ? ACTIVATIONS[activation](y) : y;
  }
}

/** Fully connected layers in a row: an activation between them, none after the last. */
export class Mlp implements Module {
  /** From input to output. */
  readonly layers: readonly Dense[];

  /**
   * Layers whose parameters have no memory yet.
   * @param sizes Columns of the input, of every hidden layer, and of the output.
   * @param initializer Of the weights. @param activation Of hidden layers.
   * @throws {RangeError} for fewer than two sizes.
   */
  constructor(
    readonly sizes: readonly number[],
    initializer: Initializer = fanInUniform,
    activation: ActivationName = "relu",
  ) {
    if (sizes.length < 2) {
      throw new RangeError(`Mlp: at least 2 sizes are needed, got [${sizes.join(", ")}]`);
    }
    this.layers = sizes.slice(1).map((units, i) =>
      new Dense(sizes[i], units, {
        initializer,
        ...(i < sizes.length - 2 ? { activation } : {}),
      })
    );
  }

  /** `0.weight`, `0.bias`, `1.weight`, … */
  parameters(): ParameterSpec[] {
    return this.layers.flatMap((layer, i) =>
      layer.parameters().map((parameter) => ({ ...parameter, name: `${i}.${parameter.name}` }))
    );
  }

  /** x [m, sizes[0]] -> [m, last size]. */
  apply(x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.apply(value), x);
  }
}

/** Parameters that lie side by side, so that an optimiser updates them in one call. */
export interface ParameterBlock {
  /** Their memory, f32 [length]; gaps between parameters are zero and stay so. */
  readonly arena: Variable;
  /** The parameters, in the order of their places. */
  readonly variables: readonly Variable[];
  /** Element offset of each parameter in the arena. */
  readonly offsets: readonly number[];
}

/** The parameters of some modules in one arena. Each is a named variable of the state. */
export class Parameters implements ParameterBlock {
  /** The whole arena, f32 [length]; gaps between parameters are zero and stay so. */
  readonly arena: Variable;
  /** The parameters, in the modules' order. */
  readonly variables: readonly Variable[];
  /** Element offset of each parameter in the arena. */
  readonly offsets: readonly number[];

  /**
   * Allocates and initialises.
   * @param state Owns the memory. @param modules By name: parameter `encoder.0.weight` is the first
   *   weight of the module `encoder`. @param seed Of the initial values.
   */
  constructor(state: State, modules: Readonly<Record<string, Module>>, seed: number) {
    const specs = Object.entries(modules).flatMap(([module, { parameters }]) =>
      parameters.call(modules[module]).map((spec) => ({ ...spec, name: `${module}.${spec.name}` }))
    );
    let length = 0;
    this.offsets = specs.map(({ shape }) => {
      const offset = length;
      length += Math.ceil(sizeOf(shape) / REGION_ALIGNMENT) * REGION_ALIGNMENT;
      return offset;
    });
    const arenaName = `${Object.keys(modules).join("+")} arena`;
    this.arena = state.variable(arenaName, [length], { saved: false });
    const { buffer } = this.arena.region;
    this.variables = specs.map(({ name, shape, initializer, bind }, i) => {
      const region = {
        buffer,
        offset: this.offsets[i],
        length: sizeOf(shape),
        dtype: "f32",
      } as const;
      const variable = new Variable(state.backend, name, shape, region);
      const random = new RandomStream(seed, STREAM.parameters + streamOf(name));
      variable.write(initializer(shape, random));
      state.register(variable);
      bind(variable);
      return variable;
    });
  }

  /**
   * A part of them that can be updated alone, in the same memory.
   * @param variables Neighbours in {@linkcode variables}, in that order.
   * @throws {RangeError} where they are no neighbours.
   */
  part(variables: readonly Variable[]): ParameterBlock {
    const first = this.variables.indexOf(variables[0]);
    if (first < 0 || variables.some((variable, i) => variable !== this.variables[first + i])) {
      const names = (list: readonly Variable[]) => list.map(({ name }) => name).join(", ");
      throw new RangeError(
        `part: the parameters must be neighbours among ${names(this.variables)}; ` +
          `got ${names(variables)}`,
      );
    }
    const { backend, name, region, size } = this.arena;
    const begin = this.offsets[first];
    const length = (this.offsets[first + variables.length] ?? size) - begin;
    const place = { ...region, offset: region.offset + begin, length };
    const offsets = variables.map((_, i) => this.offsets[first + i] - begin);
    return { arena: new Variable(backend, `part of ${name}`, [length], place), variables, offsets };
  }

  /** Number of parameters, gaps not counted. */
  get count(): number {
    return this.variables.reduce((sum, { size }) => sum + size, 0);
  }
}

/** A stream number from a parameter's name (FNV-1a), so that its values depend on no other's. */
function streamOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return (hash >>> 9) << 1;
}
