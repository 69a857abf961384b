/** A step that is traced once and replayed. */
import type { Backend, Executable, Pass, Region, ReplayTimes } from "../backend/backend.ts";
import { collectEffects } from "../tensor/op.ts";
import { OracleBackend } from "../backend/oracle.ts";
import { makePlan, type Plan } from "./plan.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** What a Program computes besides its effects, by name. */
export type Outputs = Readonly<Record<string, Tensor>>;

/** A planned step. Made by {@linkcode trace}; owns the memory of its intermediate values. */
export class Program<O extends Outputs = Outputs> {
  /**
   * What {@linkcode trace} makes of a plan.
   * @param backend The device. @param plan The calls. @param executable The prepared calls.
   * @param outputs The named outputs. @param label Its name in messages.
   */
  constructor(
    readonly backend: Backend,
    readonly plan: Plan,
    private readonly executable: Executable,
    private readonly outputs: O,
    readonly label: string,
  ) {}

  /** What the device does in one replay, in order. */
  get passes(): readonly Pass[] {
    return this.executable.passes;
  }

  /**
   * Submits `steps` replays and returns at once; the device runs them in order.
   * @throws {RangeError} where `steps` is no integer ≥ 0.
   */
  run(steps = 1): void {
    if (!Number.isInteger(steps) || steps < 0) {
      throw new RangeError(`run: steps must be an integer ≥ 0, got ${steps}`);
    }
    if (steps > 0) this.executable.run(steps);
  }

  /** The outputs of the last replay, row-major. One wait for the device. */
  async read(): Promise<{ [K in keyof O]: Float32Array | Float64Array | Uint32Array }> {
    const names = Object.keys(this.outputs) as (keyof O)[];
    const regions = names.map((name) => this.plan.outputs.get(this.outputs[name])!);
    const values = await this.backend.read(regions as Region[]);
    return Object.fromEntries(names.map((name, i) => [name, values[i]])) as {
      [K in keyof O]: Float32Array | Float64Array | Uint32Array;
    };
  }

  /** Whether {@linkcode times} knows anything. */
  get isTimed(): boolean {
    return this.executable.times !== undefined;
  }

  /**
   * How long the replays so far have taken, pass by pass, or a sample of them; works after `dispose` too.
   * @throws {TypeError} where the device was not opened with `profile`.
   */
  async times(): Promise<ReplayTimes> {
    const times = await this.executable.times?.();
    if (times) return times;
    throw new TypeError(`${this.label}: nothing is timed; open the device with profile: true`);
  }

  /** Frees the intermediate memory. Variables stay. */
  dispose(): void {
    this.executable.dispose();
    for (const buffer of this.plan.buffers) buffer.free();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}

const observers = new WeakMap<Backend, (program: Program) => void>();

/** From now on tells `observer` of every program that is traced on `backend`, once it is made. */
export function observePrograms(backend: Backend, observer: (program: Program) => void): void {
  observers.set(backend, observer);
}

/**
 * Traces `fn` once and plans it for the device.
 *
 * @param backend The device that the variables live on.
 * @param fn Builds the step from variables; effects (updates, counters) apply in order. Returns the
 *   tensors to be read, by name.
 * @param label Names the step in messages.
 * @throws {RangeError} naming the shapes that do not fit. @throws where a kernel does not compile.
 */
export async function trace<O extends Outputs>(
  backend: Backend,
  fn: () => O,
  label = "program",
): Promise<Program<O>> {
  const { result, effects } = collectEffects(fn);
  const plan = makePlan(backend, new Set(Object.values(result)), effects, label);
  for (const { region, value } of plan.constants) {
    // The oracle's constants are float64 like all its values.
    if (backend instanceof OracleBackend) backend.write(region, Float64Array.of(value));
    else backend.write(region, Float32Array.of(value));
  }
  const executable = await backend.prepare(plan.calls, label);
  const program = new Program(backend, plan, executable, result, label);
  observers.get(backend)?.(program);
  return program;
}
