/** Bytes of a text as UTF-8, whatever they are written in. */
import { cannotRead } from "./array.ts";

/** What a text is read as. */
export interface EncodedText {
  /** UTF-8. */
  readonly utf8: Uint8Array;
  /** What was supposed, for people. */
  readonly notes: readonly string[];
}

/** Bytes that are looked at together. */
const BLOCK = 2 ** 20;

/**
 * The text as UTF-8. UTF-16 is known by its mark; bytes that are no UTF-8 are taken as Windows-1252, of
 * which Latin-1 is a part, and that is said.
 * @param encoding What they are in, as `TextDecoder` calls it; absent: looked at.
 * @throws {SyntaxError} for what is no text, or no text in this encoding.
 */
export function textOf(bytes: Uint8Array, file: string, encoding?: string): EncodedText {
  const mark = bytes[0] << 8 | bytes[1];
  const marked = mark === 0xfffe ? "utf-16le" : mark === 0xfeff ? "utf-16be" : undefined;
  const given = encoding ?? marked;
  if (given !== undefined && new TextDecoder(given).encoding !== "utf-8") {
    return { utf8: recoded(bytes, given), notes: [] };
  }
  if (bytes.includes(0)) {
    const isWide = bytes.length > 3 && (bytes[0] === 0) !== (bytes[1] === 0) &&
      (bytes[2] === 0) === (bytes[0] === 0);
    const hint = isWide
      ? `; it may be UTF-16: --encoding utf-16${bytes[0] === 0 ? "be" : "le"} reads it`
      : "";
    throw new SyntaxError(
      cannotRead(file, `it is neither text nor of a known binary format${hint}`),
    );
  }
  if (isUtf8(bytes)) return { utf8: bytes, notes: [] };
  if (given !== undefined) {
    throw new SyntaxError(cannotRead(file, `line ${badLine(bytes)} holds bytes that are no UTF-8`));
  }
  return {
    utf8: recoded(bytes, "windows-1252"),
    notes: [
      "its bytes are no UTF-8 and are read as Windows-1252, which Latin-1 is part of; " +
      "--encoding names another",
    ],
  };
}

function recoded(bytes: Uint8Array, encoding: string): Uint8Array {
  return new TextEncoder().encode(new TextDecoder(encoding).decode(bytes));
}

function isUtf8(bytes: Uint8Array): boolean {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for (let at = 0; at < bytes.length; at += BLOCK) {
      decoder.decode(bytes.subarray(at, at + BLOCK), { stream: true });
    }
    decoder.decode();
    return true;
  } catch {
    return false;
  }
}

/** The first line, from 1, that is no UTF-8. */
function badLine(bytes: Uint8Array): number {
  for (let start = 0, line = 1;; line++) {
    const end = bytes.indexOf(0x0a, start);
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}
