/** ZIP archives and PNG files, as their specifications say and as their parts are given. */
import { crc32 } from "../datasets/crc32.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** One array of all bytes. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

async function packed(bytes: Uint8Array, how: CompressionFormat): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new CompressionStream(how));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A ZIP archive. @param deflated Whether its entries are, or stored. */
export async function zipOf(
  entries: readonly (readonly [name: string, content: Uint8Array])[],
  deflated = false,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const [name, content] of entries) {
    const body = deflated ? await packed(content, "deflate-raw") : content;
    const fields = (central: boolean) => {
      const bytes = new Uint8Array(central ? 46 : 30);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, central ? 0x02014b50 : 0x04034b50, true);
      const start = central ? 10 : 8;
      view.setUint16(start, deflated ? 8 : 0, true);
      view.setUint32(start + 6, crc32(content), true);
      view.setUint32(start + 10, body.length, true);
      view.setUint32(start + 14, content.length, true);
      view.setUint16(start + 18, name.length, true);
      if (central) view.setUint32(42, at, true);
      return bytes;
    };
    directory.push(fields(true), encode(name));
    parts.push(fields(false), encode(name), body);
    at += 30 + name.length + body.length;
  }
  const end = new Uint8Array(22);
  const view = new DataView(end.buffer);
  view.setUint32(0, 0x06054b50, true);
  view.setUint16(8, entries.length, true);
  view.setUint16(10, entries.length, true);
  view.setUint32(12, joined(directory).length, true);
  view.setUint32(16, at, true);
  return joined([...parts, ...directory, end]);
}

/** A chunk with its checksum. */
export function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = joined([new Uint8Array(4), encode(type), body, new Uint8Array(4)]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  view.setUint32(bytes.length - 4, crc32(bytes.subarray(4, bytes.length - 4)));
  return bytes;
}

/** A PNG with right checksums, whatever its header says. */
export async function pngOf(
  width: number,
  height: number,
  depth: number,
  colour: number,
  interlace: number,
  lines: Uint8Array,
): Promise<Uint8Array> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([depth, colour, 0, 0, interlace], 8);
  const palette = colour === 3 ? [chunk("PLTE", Uint8Array.of(0, 0, 0, 255, 0, 0, 0, 0, 255))] : [];
  return joined([
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    ...palette,
    chunk("IDAT", await packed(lines, "deflate")),
    chunk("IEND", new Uint8Array()),
  ]);
}
