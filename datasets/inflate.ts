/** The platform's decompression, stopped where more comes out than was promised. */

/** How the bytes are packed: RFC 1952, 1950 and 1951. */
export type Packing = "gzip" | "deflate" | "deflate-raw";

/** Deflate expands no byte to more than this many. */
export const MOST_EXPANSION = 1032;

/** Bytes that are given to the decompression together: what they expand to comes in one chunk. */
const PIECE = 2 ** 13;

/**
 * The chunks of what bytes expand to, until `limit` bytes are passed: then the last chunk is given, and
 * no more is expanded.
 * @throws {TypeError} for a damaged stream.
 */
export async function* expand(
  bytes: Uint8Array,
  packing: Packing,
  limit: () => number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  const pieces = new ReadableStream<BufferSource>({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += PIECE));
    },
  });
  const stream = pieces.pipeThrough(new DecompressionStream(packing));
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    yield chunk;
    if (length > limit()) return;
  }
}

/** Expands to `size` bytes; to one more where there are more, to fewer where there are fewer. */
export async function inflate(
  bytes: Uint8Array,
  packing: Packing,
  size: number,
): Promise<Uint8Array> {
  const result = new Uint8Array(size + 1);
  let length = 0;
  for await (const chunk of expand(bytes, packing, () => size)) {
    const part = chunk.subarray(0, size + 1 - length);
    result.set(part, length);
    length += part.length;
  }
  return result.subarray(0, length);
}
