/** A peer's side of the protocol in ../peer.ts, and the data that the peers from npm train on. */

/** Rows of a batch. */
export const BATCH = 256;

const ROWS = 4096;
const HIDDEN = [500, 500, 2000];
const LATENT = 10;

/** Layers of the autoencoder, from input to output; ReLU follows all but the code and the output. */
export function layersOf(inputs: number): { fanIn: number; units: number; relu: boolean }[] {
  const sizes = [inputs, ...HIDDEN, LATENT, ...HIDDEN.toReversed(), inputs];
  const last = sizes.length - 2;
  return sizes.slice(1).map((units, i) => ({
    fanIn: sizes[i],
    units,
    relu: i !== HIDDEN.length && i !== last,
  }));
}

/** Values of U(low, high). */
export function uniform(length: number, low: number, high: number): Float32Array {
  return Float32Array.from({ length }, () => low + (high - low) * Math.random());
}

/** Random rows [4096, inputs]. */
export function randomRows(inputs: number): { data: Float32Array; shape: [number, number] } {
  return { data: uniform(ROWS * inputs, 0, 1), shape: [ROWS, inputs] };
}

/** Row numbers of one batch after another: each epoch a new permutation of all rows. */
export function* batches(): Generator<Int32Array, never> {
  const rows = Int32Array.from({ length: ROWS }, (_, i) => i);
  for (;;) {
    for (let i = ROWS - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [rows[i], rows[j]] = [rows[j], rows[i]];
    }
    for (let i = 0; i < ROWS; i += BATCH) yield rows.slice(i, i + BATCH);
  }
}

/** Says who answers, then answers to the end. @param run Runs some steps and gives their mean loss. */
export async function serve(name: string, run: (steps: number) => Promise<number>): Promise<never> {
  console.log(name);
  let pending = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (pending + text).split("\n");
    pending = lines.pop()!;
    for (const line of lines) {
      const started = performance.now();
      const loss = await run(Number(line));
      console.log((performance.now() - started) / 1000, loss);
    }
  }
  // Thread pools of the peers would keep the process alive.
  Deno.exit(0);
}
