/** A matrix of any height that stays on the device, in chunks that fit one binding. */
import type { Backend } from "../backend/backend.ts";
import { State } from "./state.ts";
import type { Variable } from "../tensor/tensor.ts";

/** Chunks start at multiples of this many rows, so that blockwise kernels never straddle two. */
export const CHUNK_ROWS = 1024;

/** Some rows of a table. */
export interface Chunk {
  /** Number of the first row. */
  readonly first: number;
  /** [chunk rows, width] */
  readonly rows: Variable;
}

/** Rows [rows, width] resident on a device; read-only for programs. */
export class Table {
  private constructor(
    private readonly state: State,
    readonly rows: number,
    readonly width: number,
    readonly chunks: readonly Chunk[],
  ) {}

  /**
   * Copies a row-major matrix to the device.
   * @param data rows·width values. @param chunkBytes Most bytes of a chunk; one binding's by default.
   * @throws {RangeError} where the length is another, or neither all rows nor 1,024 fit one binding.
   */
  static upload(
    backend: Backend,
    name: string,
    data: Float32Array,
    rows: number,
    width: number,
    chunkBytes: number = backend.maxRegionBytes,
  ): Table {
    if (data.length !== rows * width) {
      throw new RangeError(
        `table ${name}: expected ${rows} × ${width} = ${rows * width} values, got ${data.length}`,
      );
    }
    const table = Table.allocate(backend, name, rows, width, chunkBytes);
    for (const { first, rows: chunk } of table.chunks) {
      chunk.write(data.subarray(first * width, first * width + chunk.size));
    }
    return table;
  }

  /** Zeros, in chunks of the largest multiple of {@linkcode CHUNK_ROWS} that one binding holds. */
  private static allocate(
    backend: Backend,
    name: string,
    rows: number,
    width: number,
    chunkBytes: number,
  ): Table {
    const state = new State(backend);
    const fitting = Math.floor(chunkBytes / (4 * width * CHUNK_ROWS)) * CHUNK_ROWS;
    const whole = Math.ceil(Math.max(rows, 1) / CHUNK_ROWS) * CHUNK_ROWS;
    const step = 4 * rows * width <= chunkBytes ? whole : Math.min(fitting, whole);
    if (!(step > 0)) {
      throw new RangeError(
        `table ${name}: ${CHUNK_ROWS} rows of ${width} values do not fit one binding of ` +
          `${chunkBytes} bytes`,
      );
    }
    const chunks: Chunk[] = [];
    for (let first = 0; first < rows || first === 0; first += step) {
      const count = Math.min(step, rows - first);
      const label = `${name}[${first}…]`;
      chunks.push({ first, rows: state.variable(label, [count, width], { saved: false }) });
    }
    return new Table(state, rows, width, chunks);
  }

  /** A table over a variable [rows, width] that something else owns. */
  static of(variable: Variable): Table {
    const [rows, width] = variable.shape;
    return new Table(new State(variable.backend), rows, width, [{ first: 0, rows: variable }]);
  }

  /** Frees the memory that the table owns. */
  dispose(): void {
    this.state.dispose();
  }

  /** For `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
