/** Networks: layers with named parameters, laid out in one arena. */
import { REGION_ALIGNMENT } from "./backend.ts";
import { dense } from "./ops/dense.ts";
import { relu } from "./ops/unary.ts";
import { RandomStream, STREAM } from "./random.ts";
import { type Shape, sizeOf } from "./shape.ts";
import type { State } from "./state.ts";
import { type Tensor, Variable } from "./tensor.ts";

/** Draws the initial value of element after element. */
export type Initializer = (shape: Shape, random: RandomStream) => Float32Array;

/** Zeros. */
export const zeros: Initializer = (shape): Float32Array => new Float32Array(sizeOf(shape));

/**
 * U(−√(1/fan_in), √(1/fan_in)) for a weight [fan_in, fan_out]: Keras' VarianceScaling(1/3, fan_in,
 * uniform), which DynAE's code uses.
 */
export const fanInUniform: Initializer = (shape, random): Float32Array => {
  const limit = Math.sqrt(1 / shape[0]);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-limit, limit));
};

/** U(−√(6/(fan_in + fan_out)), …) for a weight [fan_in, fan_out] (Glorot and Bengio, 2010). */
export const glorotUniform: Initializer = (shape, random): Float32Array => {
  const limit = Math.sqrt(6 / (shape[0] + shape[1]));
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-limit, limit));
};

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

/** Options of {@linkcode Dense}. */
export interface DenseOptions {
  /** Applied to the output; none by default. */
  readonly activation?: "relu";
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
    return this.options.activation === "relu" ? relu(y) : y;
  }
}

/** Fully connected layers in a row: ReLU between them, none after the last. */
export class Mlp implements Module {
  /** From input to output. */
  readonly layers: readonly Dense[];

  /**
   * Layers whose parameters have no memory yet.
   * @param sizes Columns of the input, of every hidden layer, and of the output.
   * @param initializer Of the weights.
   * @throws {RangeError} for fewer than two sizes.
   */
  constructor(readonly sizes: readonly number[], initializer: Initializer = fanInUniform) {
    if (sizes.length < 2) {
      throw new RangeError(`Mlp: at least 2 sizes are needed, got [${sizes.join(", ")}]`);
    }
    this.layers = sizes.slice(1).map((units, i) =>
      new Dense(sizes[i], units, {
        initializer,
        activation: i < sizes.length - 2 ? "relu" : undefined,
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

/**
 * The parameters of some modules in one arena, so that an optimiser updates them in one call. Each is
 * a named variable of the state.
 */
export class Parameters {
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
