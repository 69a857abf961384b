/** What Node 22 and older browsers lack of the language's library: the part that dynae uses. */

/** Things that are disposed of together, the last one first. */
class Stack {
  private readonly resources: Disposable[] = [];

  /** Takes a thing over, and returns it. */
  use<T extends Disposable>(resource: T): T {
    this.resources.push(resource);
    return resource;
  }

  /** Disposes of all; the first error is thrown when all are done. */
  [Symbol.dispose](): void {
    const failures: unknown[] = [];
    for (const resource of this.resources.splice(0).reverse()) {
      try {
        resource[Symbol.dispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Numbers of binary16 as they stand in a buffer, in the host's byte order, read as float32. */
class Halves extends Float32Array {
  constructor(buffer: ArrayBuffer) {
    super(Float32Array.from(new Uint16Array(buffer), (bits) => {
      const sign = bits & 0x8000 ? -1 : 1;
      const exponent = bits >> 10 & 0x1f;
      const fraction = bits & 0x3ff;
      if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
      const significand = exponent === 0 ? fraction : fraction + 0x400;
      return sign * significand * 2 ** (Math.max(exponent, 1) - 25);
    }));
  }
}

const own: { DisposableStack?: unknown; Float16Array?: unknown } = globalThis;

/** The engine's own, or the one above. */
export const DisposableStack: unknown = own.DisposableStack ?? Stack;
/** The engine's own, or the one above. */
export const Float16Array: unknown = own.Float16Array ?? Halves;
