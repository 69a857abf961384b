/** All that training depends on, as named variables: the unit of checkpoints. */
import {
  type Backend,
  type DeviceBuffer,
  type DType,
  REGION_ALIGNMENT,
} from "../backend/backend.ts";
import { formatShape, sameShape, type Shape, sizeOf } from "../tensor/shape.ts";
import { Variable } from "../tensor/tensor.ts";

/** The values of one variable, off the device. */
export interface Snapshot {
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** The values, row-major. */
  readonly data: Float32Array | Uint32Array;
}

/** Options of {@linkcode State.variable}. */
export interface VariableOptions {
  /** Element type, "f32" by default. */
  readonly dtype?: DType;
  /** Initial values; zeros where absent. */
  readonly data?: Float32Array | Uint32Array;
  /** False keeps it out of snapshots: data, and what can be computed again. */
  readonly saved?: boolean;
}

/** A set of named variables on one device; frees their memory when disposed. */
export class State {
  private readonly named = new Map<string, Variable>();
  private readonly buffers: DeviceBuffer[] = [];

  /**
   * An empty set.
   * @param backend Where the variables live.
   */
  constructor(readonly backend: Backend) {}

  /**
   * A new variable.
   * @throws {RangeError} where the name is taken, the data has another length, or the device is full.
   */
  variable(name: string, shape: Shape, options: VariableOptions = {}): Variable {
    const { dtype = "f32", data, saved = true } = options;
    const length = sizeOf(shape);
    const elements = Math.ceil(Math.max(length, 1) / REGION_ALIGNMENT) * REGION_ALIGNMENT;
    if (4 * length > this.backend.maxRegionBytes) {
      throw new RangeError(
        `variable ${name} ${formatShape(shape)} takes ${4 * length} bytes; one binding of this ` +
          `device holds ${this.backend.maxRegionBytes}: use a Table, which is chunked`,
      );
    }
    const buffer = this.backend.allocate(4 * elements, name);
    this.buffers.push(buffer);
    const variable = new Variable(this.backend, name, shape, { buffer, offset: 0, length, dtype });
    if (data) variable.write(data);
    if (saved) this.register(variable);
    return variable;
  }

  /** Adds a variable whose memory something else in this state owns. */
  register(variable: Variable): void {
    if (this.named.has(variable.name)) {
      throw new RangeError(`state: there is already a variable named ${variable.name}`);
    }
    this.named.set(variable.name, variable);
  }

  /** A saved variable. @throws {RangeError} where there is none of that name. */
  get(name: string): Variable {
    const variable = this.named.get(name);
    if (!variable) throw new RangeError(`state: there is no variable named ${name}`);
    return variable;
  }

  /** Names of the saved variables, in the order of creation. */
  get names(): string[] {
    return [...this.named.keys()];
  }

  /**
   * Saved variables, read in one wait.
   * @param names Which; all by default. @throws {RangeError} where there is none of a name.
   */
  async snapshot(names: readonly string[] = this.names): Promise<Map<string, Snapshot>> {
    const variables = names.map((name) => this.get(name));
    const values = await this.backend.read(variables.map((variable) => variable.region));
    return new Map(variables.map((variable, i) => {
      const data = values[i] instanceof Float64Array ? Float32Array.from(values[i]) : values[i];
      return [variable.name, { shape: variable.shape, data: data as Float32Array | Uint32Array }];
    }));
  }

  /**
   * Writes a snapshot back.
   * @param names The variables to restore; all by default.
   * @throws {RangeError} naming a variable that is missing or has another shape or type.
   */
  restore(snapshot: ReadonlyMap<string, Snapshot>, names: readonly string[] = this.names): void {
    for (const name of names) {
      const variable = this.named.get(name);
      const saved = snapshot.get(name);
      if (!variable || !saved) {
        throw new RangeError(`checkpoint: ${saved ? "unknown" : "missing"} variable ${name}`);
      }
      if (!sameShape(saved.shape, variable.shape)) {
        throw new RangeError(
          `checkpoint: ${name} has the shape ${formatShape(saved.shape)}, ` +
            `this model's is ${formatShape(variable.shape)}`,
        );
      }
      const dtype = saved.data instanceof Float32Array ? "f32" : "u32";
      if (dtype !== variable.dtype) {
        throw new RangeError(
          `checkpoint: ${name} has the type ${dtype}, this model's is ${variable.dtype}`,
        );
      }
    }
    for (const name of names) this.named.get(name)!.write(snapshot.get(name)!.data);
  }

  /** Frees all variables of this state. */
  dispose(): void {
    for (const buffer of this.buffers) buffer.free();
    this.buffers.length = 0;
    this.named.clear();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
