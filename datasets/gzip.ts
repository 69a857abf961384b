/** Gzip through the platform's streams, with limits and messages. */
import { cannotRead } from "./array.ts";

/** Most bytes that a compressed file may expand to: eight gibibytes. */
export const MAX_UNPACKED_BYTES = 2 ** 33;

/** Whether the bytes begin as a gzip file does (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Expands one gzip member and verifies its checksum.
 * @param bytes The compressed file.
 * @param file Its name, for messages.
 * @param maxBytes Refuses to expand further than this.
 * @throws {SyntaxError} for a damaged or truncated file, or anything after the first member.
 * @throws {RangeError} for one that expands past `maxBytes`.
 */
export async function gunzip(
  bytes: Uint8Array,
  file: string,
  maxBytes: number = MAX_UNPACKED_BYTES,
): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream()
    .pipeThrough(new DecompressionStream("gzip"));
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      length += chunk.length;
      if (length > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    const after = length === 0 ? "" : ` after ${length} expanded bytes`;
    throw new SyntaxError(
      cannotRead(file, `its gzip stream is damaged or cut short${after}; copy or fetch it again`),
      { cause: error },
    );
  }
  if (length > maxBytes) {
    throw new RangeError(cannotRead(file, `it expands to more than ${maxBytes} bytes`));
  }
  const result = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

/** Compresses to one gzip member. */
export async function gzip(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
