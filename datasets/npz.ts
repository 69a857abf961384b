/**
 * NPZ, NumPy's archive of NPY files: ZIP (PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16),
 * stored or deflated.
 */
import { cannotRead } from "./array.ts";
import { crc32 } from "./crc32.ts";
import { MAX_UNPACKED_BYTES } from "./gzip.ts";
import { inflate, MOST_EXPANSION } from "./inflate.ts";

const LOCAL = 0x04034b50, ENTRY = 0x02014b50, END = 0x06054b50;

/** Whether the bytes begin as a ZIP archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes.length > 4 && viewOf(bytes).getUint32(0, true) === LOCAL;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * The files of an archive, by name without `.npy`.
 * @throws {SyntaxError} for a damaged archive. @throws {RangeError} for more than memory bears.
 */
export async function unzip(bytes: Uint8Array, file: string): Promise<Map<string, Uint8Array>> {
  const view = viewOf(bytes);
  const damaged = () =>
    new SyntaxError(cannotRead(file, "its ZIP archive is damaged or cut short"));
  let end = bytes.length - 22;
  while (end >= 0 && view.getUint32(end, true) !== END) end--;
  // Nothing follows it but the comment whose length it gives.
  if (end < 0 || end + 22 + view.getUint16(end + 20, true) !== bytes.length) throw damaged();
  const files = new Map<string, Uint8Array>();
  let total = 0;
  try {
    let at = view.getUint32(end + 16, true);
    for (let left = view.getUint16(end + 10, true); left > 0; left--) {
      if (view.getUint32(at, true) !== ENTRY) throw damaged();
      const method = view.getUint16(at + 10, true);
      const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
      const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
      const named = bytes.subarray(at + 46, at + 46 + lengths[0]);
      const name = new TextDecoder().decode(named);
      const local = view.getUint32(at + 42, true);
      if (view.getUint32(local, true) !== LOCAL) throw damaged();
      if (named.some((byte, i) => byte !== bytes[local + 30 + i])) throw damaged();
      if (view.getUint16(at + 8, true) & 1) {
        throw new RangeError(cannotRead(file, `${name} is encrypted`));
      }
      const start = local + 30 + view.getUint16(local + 26, true) +
        view.getUint16(local + 28, true);
      total += packed;
      // Together, so that no entry's bytes serve several.
      if (start + packed > bytes.length || total > bytes.length) throw damaged();
      if (size > MOST_EXPANSION * packed) throw damaged();
      const body = bytes.subarray(start, start + packed);
      if (size > MAX_UNPACKED_BYTES || (method !== 0 && method !== 8)) {
        throw new RangeError(
          cannotRead(file, `${name} is too large, or packed by method ${method}`),
        );
      }
      const content = method === 0 ? body : await inflate(body, "deflate-raw", size);
      if (content.length !== size || crc32(content) !== view.getUint32(at + 16, true)) {
        throw damaged();
      }
      files.set(name.replace(/\.npy$/, ""), content);
      at += 46 + lengths[0] + lengths[1] + lengths[2];
    }
    if (at !== end || view.getUint32(end + 12, true) !== end - view.getUint32(end + 16, true)) {
      throw damaged();
    }
  } catch (error) {
    throw error instanceof RangeError && error.message.startsWith("Cannot") ? error : damaged();
  }
  return files;
}
