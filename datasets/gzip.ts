/** Gzip through the platform's streams, with limits and messages. */
import { cannotRead } from "./array.ts";
import { expand, MOST_EXPANSION } from "./inflate.ts";

/** Most bytes that a compressed file may expand to: eight gibibytes. */
export const MAX_UNPACKED_BYTES = 2 ** 33;

/** Whether the bytes begin as a gzip file does (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Bytes of a file's beginning that tell its length, where its format has a header. */
const HEAD_BYTES = 2 ** 16;

/**
 * Expands one gzip member and verifies its checksum; stops where more comes out than was promised.
 * @param bytes The compressed file.
 * @param file Its name, for messages.
 * @param maxBytes Refuses to expand further than this.
 * @param promise The length of a file that begins like this; undefined where that does not tell.
 * @throws {SyntaxError} for a damaged or truncated file, anything after the first member, or more bytes
 * than the member promises at its end.
 * @throws {RangeError} for one that expands past `maxBytes`.
 */
export async function gunzip(
  bytes: Uint8Array,
  file: string,
  maxBytes: number = MAX_UNPACKED_BYTES,
  promise: (head: Uint8Array) => number | undefined = () => undefined,
): Promise<Uint8Array> {
  const size = sizeOf(bytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  let limit = Math.min(size ?? Infinity, maxBytes);
  let isKnown = false;
  try {
    for await (const chunk of expand(bytes, "gzip", () => limit)) {
      chunks.push(chunk);
      length += chunk.length;
      if (isKnown || length < HEAD_BYTES) continue;
      isKnown = true;
      // One more, so that it is found that bytes follow.
      limit = Math.min(limit, (promise(joined(chunks, length)) ?? Infinity) + 1);
    }
  } catch (error) {
    const after = length === 0 ? "" : ` after ${length} expanded bytes`;
    throw new SyntaxError(
      cannotRead(
        file,
        `its gzip stream is damaged or cut short${after}; copy or fetch it again (one of several ` +
          "members, as bgzip writes them, must be unpacked first)",
      ),
      { cause: error },
    );
  }
  if (length > maxBytes) {
    throw new RangeError(cannotRead(file, `it expands to more than ${maxBytes} bytes`));
  }
  if (size !== undefined && length > size) {
    throw new SyntaxError(
      cannotRead(
        file,
        `its gzip stream is damaged: it expands to more than the ${size} bytes of it`,
      ),
    );
  }
  return joined(chunks, length);
}

/** What a member says at its end of its size modulo 2³² (ISIZE); undefined where that is not all. */
function sizeOf(bytes: Uint8Array): number | undefined {
  if (bytes.length < 18 || bytes.length * MOST_EXPANSION >= 2 ** 32) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
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
