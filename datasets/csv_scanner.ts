/** Text as lines of cells, and cells as numbers: the part of reading tables that has to be fast. */
import { cannotRead } from "./array.ts";

/** What separates cells; `" "` stands for runs of spaces and tabs. */
export type Separator = "," | ";" | "\t" | " ";

/** How a table is written down. */
export interface Notation {
  /** Recognised in the first line where absent: tab, else semicolon, else comma, else spaces. */
  readonly separator?: Separator;
  /** What stands before the fraction of a number; absent: a point. */
  readonly decimal?: "." | ",";
}

const TAB = 9, LINE_FEED = 10, RETURN = 13, SPACE = 32, QUOTE = 34, HASH = 35;
const PLUS = 43, COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NINE = 57;

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

const REAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?)(nan|inf|infinity)$/i;

/**
 * The value of a cell, or undefined for one that is not a number. `nan`, `inf` and `infinity`, in
 * any case, are numbers.
 */
export function parseReal(text: string): number | undefined {
  if (REAL.test(text)) return Number(text);
  const match = NOT_FINITE.exec(text);
  if (match === null) return undefined;
  if (match[2].toLowerCase() === "nan") return NaN;
  return match[1] === "-" ? -Infinity : Infinity;
}

/** The lines of a file that hold cells, and the cells of one line at a time. */
export class Scanner {
  /** Number of the current line in the file, from 1. */
  line = 0;
  /** Cells of the current line: bytes [starts[i], ends[i]), blanks and outer quotes removed. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Number of cells of the current line. */
  count = 0;
  #next: number;
  #begun = false;
  #separator: number;
  readonly #point: number;
  readonly #decoder = new TextDecoder();

  /** Reads UTF-8, with decimal points or commas. */
  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
    { separator, decimal = "." }: Notation = {},
  ) {
    const byteOrderMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.#next = byteOrderMark ? 3 : 0;
    const directive = separatorLine(bytes.subarray(this.#next, this.#next + 8));
    if (directive !== undefined) {
      this.#next += directive.length;
      this.line = 1;
    }
    this.#separator = (separator ?? directive?.separator)?.charCodeAt(0) ?? 0;
    this.#point = decimal.charCodeAt(0);
  }

  /** What separates cells; empty before the first line. */
  get separator(): string {
    return this.#separator === 0 ? "" : String.fromCharCode(this.#separator);
  }

  /** Moves to the next line that holds cells and splits it; false at the end of the file. */
  advance(): boolean {
    const { bytes } = this;
    while (this.#next < bytes.length) {
      const start = this.#next;
      let end = start;
      while (end < bytes.length && bytes[end] !== LINE_FEED && bytes[end] !== RETURN) end++;
      const isPair = bytes[end] === RETURN && bytes[end + 1] === LINE_FEED;
      this.#next = end + (isPair ? 2 : 1);
      this.line++;
      let at = start;
      // Where tabs separate, a line of nothing but tabs is a row of empty cells, not a blank line.
      while (at < end && isBlank(bytes[at]) && (bytes[at] === SPACE || this.#separator !== TAB)) {
        at++;
      }
      // Comments stand above the table; within it, `#` may begin a cell.
      if (at === end || (!this.#begun && bytes[at] === HASH)) continue;
      this.#begun = true;
      if (this.#separator === 0) this.#separator = this.#recognise(at, end);
      this.#split(start, end);
      return true;
    }
    return false;
  }

  /** The text of cell `i` of the current line. */
  text(i: number): string {
    const text = this.#decoder.decode(this.bytes.subarray(this.starts[i], this.ends[i]));
    return text.includes('""') ? text.replaceAll('""', '"') : text;
  }

  /** The value of cell `i`, or undefined. */
  real(i: number): number | undefined {
    const { bytes } = this;
    const separatesFraction = this.#point;
    const end = this.ends[i];
    let at = this.starts[i];
    // At most 15 digits and a power of ten up to 10²²: both exact, so their quotient rounds once.
    const negative = bytes[at] === MINUS;
    if (negative || bytes[at] === PLUS) at++;
    let digits = 0, mantissa = 0, point = -1;
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte >= ZERO && byte <= NINE) {
        mantissa = 10 * mantissa + byte - ZERO;
        digits++;
      } else if (byte === separatesFraction && point < 0) point = at;
      else break;
    }
    if (at < end || digits === 0 || digits > 15) {
      const text = this.text(i);
      if (separatesFraction === POINT) return parseReal(text);
      // A point would be a thousands separator, or a mistake.
      return text.includes(".") ? undefined : parseReal(text.replace(",", "."));
    }
    const value = point < 0 ? mantissa : mantissa / EXACT_POWERS[end - point - 1];
    return negative ? -value : value;
  }

  #recognise(start: number, end: number): number {
    let quoted = false, comma = false, semicolon = false;
    for (let at = start; at < end; at++) {
      const byte = this.bytes[at];
      if (byte === QUOTE) quoted = !quoted;
      else if (quoted) continue;
      else if (byte === TAB) return TAB;
      else if (byte === COMMA && this.#point !== COMMA) comma = true;
      else if (byte === ";".charCodeAt(0)) semicolon = true;
    }
    return (semicolon ? ";" : comma ? "," : " ").charCodeAt(0);
  }

  #split(start: number, end: number): void {
    const { bytes } = this;
    const separator = this.#separator;
    const isPadding = (byte: number) =>
      isBlank(byte) && (separator === SPACE || byte !== separator);
    while (end > start && isPadding(bytes[end - 1])) end--;
    let at = start;
    this.count = 0;
    for (;;) {
      while (at < end && isPadding(bytes[at])) at++;
      let stop: number;
      if (bytes[at] === QUOTE && at < end) {
        const close = this.#closingQuote(at + 1, end);
        this.#cell(at + 1, close);
        stop = close + 1;
        while (stop < end && isBlank(bytes[stop]) && !isSeparator(bytes[stop], separator)) stop++;
        if (stop < end && !isSeparator(bytes[stop], separator)) {
          this.#fail(`text follows the closing quote of column ${this.count - 1}`);
        }
      } else {
        stop = at;
        while (stop < end && !isSeparator(bytes[stop], separator)) stop++;
        let last = stop;
        while (last > at && isBlank(bytes[last - 1])) last--;
        this.#cell(at, last);
      }
      if (stop >= end) return;
      at = stop + 1;
    }
  }

  #cell(start: number, end: number): void {
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  #closingQuote(at: number, end: number): number {
    for (; at < end; at++) {
      if (this.bytes[at] !== QUOTE) continue;
      if (this.bytes[at + 1] !== QUOTE || at + 1 >= end) return at;
      at++;
    }
    return this.#fail("a quote is not closed on its line");
  }

  #fail(problem: string): never {
    throw new SyntaxError(cannotRead(this.file, `line ${this.line}: ${problem}`));
  }
}

/** A first line `sep=;`, by which Excel is told the separator; undefined where there is none. */
function separatorLine(start: Uint8Array): { separator: string; length: number } | undefined {
  const match = /^sep=(.)(?:\r\n|\r|\n)/i.exec(String.fromCharCode(...start));
  return match === null ? undefined : { separator: match[1], length: match[0].length };
}

/** The number of line ends from byte `start` on. */
export function linesAfter(bytes: Uint8Array, start: number): number {
  let lines = 0;
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] === LINE_FEED || (bytes[at] === RETURN && bytes[at + 1] !== LINE_FEED)) lines++;
  }
  return lines;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isSeparator(byte: number, separator: number): boolean {
  return separator === SPACE ? isBlank(byte) : byte === separator;
}
