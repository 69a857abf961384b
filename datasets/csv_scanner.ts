/** Text as lines of cells, and cells as numbers: the part of reading tables that has to be fast. */
import { cannotRead } from "./array.ts";

/** What separates cells; `" "` stands for runs of spaces and tabs. */
export type Separator = "," | ";" | "\t" | " ";

/** How a table is written down. */
export interface Notation {
  /**
   * Recognised where absent: of tab, semicolon and comma the first that splits the first two lines
   * into as many cells, or else that is in the first line; spaces where none is.
   */
  readonly separator?: Separator;
  /** What stands before the fraction of a number; absent: a point. */
  readonly decimal?: "." | ",";
}

const TAB = 9, LINE_FEED = 10, RETURN = 13, SPACE = 32, QUOTE = 34, HASH = 35;
const PLUS = 43, COMMA = 44, MINUS = 45, POINT = 46, ZERO = 48, NINE = 57, SEMICOLON = 59;

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

/** A cell for a message: quoted, and not longer than a line bears. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** The lines of a file that hold cells, and the cells of one line at a time. */
export class Scanner {
  /** Number of the current line in the file, from 1; of the first where a cell goes over several. */
  line = 0;
  /** Lines that have been read. */
  #lines = 0;
  /** Cells of the current line: bytes [starts[i], ends[i]), blanks and outer quotes removed. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  /** Number of cells of the current line. */
  count = 0;
  /** Lines above the table that begin with `#`. */
  readonly comments: (readonly [start: number, end: number])[] = [];
  #next: number;
  #begun = false;
  #separator: number;
  readonly #isGiven: boolean;
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
      this.#lines = 1;
    }
    this.#separator = (separator ?? directive?.separator)?.charCodeAt(0) ?? 0;
    this.#isGiven = this.#separator !== 0;
    this.#point = decimal.charCodeAt(0);
  }

  /** What separates cells; empty before the first line. */
  get separator(): string {
    return this.#separator === 0 ? "" : String.fromCharCode(this.#separator);
  }

  /** What to say of a line that is split in a strange way: the separator, where it was recognised. */
  get separatorHint(): string {
    if (this.#isGiven) return "";
    const names: Record<string, string> = { "\t": "tabs", ";": "semicolons", ",": "commas" };
    const name = names[this.separator] ?? "spaces";
    return `; cells are taken to be separated by ${name}, --separator says otherwise`;
  }

  /** Reads on to the end of the line. @returns Where it is. */
  #endOfLine(): number {
    const { bytes } = this;
    let end = this.#next;
    while (end < bytes.length && !isLineEnd(bytes[end])) end++;
    const isPair = bytes[end] === RETURN && bytes[end + 1] === LINE_FEED;
    this.#next = end + (isPair ? 2 : 1);
    this.#lines++;
    return end;
  }

  /** Moves to the next line that holds cells and splits it; false at the end of the file. */
  advance(): boolean {
    const { bytes } = this;
    while (this.#next < bytes.length) {
      const start = this.#next;
      this.line = this.#lines + 1;
      const end = this.#endOfLine();
      let at = start;
      // Where tabs separate, a line of nothing but tabs is a row of empty cells, not a blank line.
      while (at < end && isBlank(bytes[at]) && (bytes[at] === SPACE || this.#separator !== TAB)) {
        at++;
      }
      // Comments stand above the table; within it, `#` may begin a cell.
      if (at === end) continue;
      if (!this.#begun && bytes[at] === HASH) {
        this.comments.push([at, end]);
        continue;
      }
      this.#begun = true;
      if (this.#separator === 0) this.#separator = this.#recognise(at);
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

  /** The texts of all cells of the current line. */
  cells(): string[] {
    return Array.from({ length: this.count }, (_, i) => this.text(i));
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

  /** What separates the cells of a line, and as many of the next. */
  #recognise(start: number): number {
    const [first, end] = this.#marks(start);
    let next = end;
    while (next < this.bytes.length && (isLineEnd(this.bytes[next]) || isBlank(this.bytes[next]))) {
      next++;
    }
    const [second] = this.#marks(next);
    const found = [TAB, SEMICOLON, COMMA].filter((mark) => first.has(mark));
    return found.find((mark) => first.get(mark) === second.get(mark)) ?? found[0] ?? SPACE;
  }

  /**
   * How often each separator stands outside quotes in the line that begins here, and where that ends:
   * its cells may hold line breaks.
   */
  #marks(start: number): readonly [marks: Map<number, number>, end: number] {
    const marks = new Map<number, number>();
    let at = start;
    // A quote within a cell is a letter, but for one that follows a closing one.
    for (let isQuoted = false, mayOpen = true; at < this.bytes.length; at++) {
      const byte = this.bytes[at];
      if (isLineEnd(byte) && !isQuoted) break;
      const isMark = byte === TAB || byte === SEMICOLON ||
        (byte === COMMA && this.#point !== COMMA);
      if (byte === QUOTE && (isQuoted || mayOpen)) isQuoted = !isQuoted;
      else if (isMark && !isQuoted) marks.set(byte, (marks.get(byte) ?? 0) + 1);
      mayOpen = byte === QUOTE || isMark || (mayOpen && isBlank(byte));
    }
    return [marks, at];
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
        const close = this.#closingQuote(at + 1);
        if (close >= end) {
          do end = this.#endOfLine(); while (end < close);
          while (isPadding(bytes[end - 1])) end--;
        }
        this.#cell(at + 1, close);
        stop = close + 1;
        while (stop < end && isBlank(bytes[stop]) && !isSeparator(bytes[stop], separator)) stop++;
        if (stop < end && !isSeparator(bytes[stop], separator)) {
          this.#fail(
            `text follows the closing quote of column ${this.count - 1}${this.separatorHint}`,
          );
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

  /** The quote that closes a cell, on its line or on a later one. */
  #closingQuote(start: number): number {
    const { bytes } = this;
    for (let at = start; at < bytes.length; at++) {
      if (bytes[at] !== QUOTE) continue;
      if (bytes[at + 1] !== QUOTE) return at;
      at++;
    }
    return this.#fail("a quote is not closed");
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

function isLineEnd(byte: number): boolean {
  return byte === LINE_FEED || byte === RETURN;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

function isSeparator(byte: number, separator: number): boolean {
  return separator === SPACE ? isBlank(byte) : byte === separator;
}
