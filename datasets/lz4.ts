/** LZ4 blocks (lz4 Block Format Description), exactly as long as they are said to be. */

const DAMAGED = "an LZ4 stream is damaged or of another length";

/**
 * Expands one block to `length` bytes.
 * @throws {Error} where it is damaged, or has more or fewer.
 */
export function expandBlock(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  if (length === 0 && input.length === 0) return output;
  if (expandInto(output, 0, input) !== length) throw new Error(DAMAGED);
  return output;
}

/**
 * Expands blocks as Hadoop puts them, each behind its expanded and its packed length (4 bytes, big
 * endian), or one block alone: Parquet's older kind of LZ4 was written in both ways.
 * @throws {Error} where neither fits.
 */
export function expandHadoopBlocks(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  try {
    let at = 0;
    for (let from = 0; from < input.length;) {
      const size = view.getUint32(from);
      const start = from + 8;
      from = start + view.getUint32(from + 4);
      if (from > input.length) throw new Error(DAMAGED);
      const end = expandInto(output, at, input.subarray(start, from));
      if (end !== at + size) throw new Error(DAMAGED);
      at = end;
    }
    if (at === length) return output;
  } catch {
    // A block alone begins with anything.
  }
  return expandBlock(input, length);
}

/** Writes what a block holds to output from `from` on. @returns Where it ends there. */
function expandInto(output: Uint8Array, from: number, input: Uint8Array): number {
  let [i, at] = [0, from];
  const next = () => {
    if (i >= input.length) throw new Error(DAMAGED);
    return input[i++];
  };
  /** Four bits, which go on in bytes where all are set. */
  const count = (bits: number) => {
    let sum = bits;
    for (let more = bits === 15; more;) {
      const byte = next();
      sum += byte;
      more = byte === 255;
    }
    return sum;
  };
  for (;;) {
    const token = next();
    const literals = count(token >> 4);
    if (literals > input.length - i || literals > output.length - at) throw new Error(DAMAGED);
    output.set(input.subarray(i, i + literals), at);
    i += literals;
    at += literals;
    if (i === input.length) return at;
    const distance = next() + 256 * next();
    const end = at + 4 + count(token & 15);
    if (distance === 0 || distance > at - from || end > output.length) throw new Error(DAMAGED);
    for (; at < end; at++) output[at] = output[at - distance];
  }
}
