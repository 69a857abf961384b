/**
 * Pages of Parquet columns before they are decoded: lengths, checksums, and that no run of equal values
 * or of bits is longer than its page, on which a decoder would fill the memory (Apache Parquet, File
 * Format: data pages, RLE/bit-packing hybrid).
 */
import { crc32 } from "./crc32.ts";
import { type Fields, ThriftReader } from "./thrift.ts";

/** A column of a row group: the bytes of its pages, and what the footer says of them. */
export interface Chunk {
  /** From the first page on. */
  readonly bytes: Uint8Array;
  /** Values of all data pages, missing ones and those of lists included. */
  readonly values: number;
  /** Whether pages are as they stand. */
  readonly isPlain: boolean;
  /** Whether values are truth values. */
  readonly isBoolean: boolean;
  /** How deep lists are nested: the largest repetition level. */
  readonly repetition: number;
  /** The largest definition level. */
  readonly definition: number;
}

/** Most bytes that one page may expand to. */
const MAX_PAGE_BYTES = 2 ** 30;
/** Most values of a page: JavaScript's arrays are slow and large past that. */
const MAX_PAGE_VALUES = 2 ** 25;

/** Types of pages. */
const PAGE = { data: 0, index: 1, dictionary: 2, dataV2: 3 } as const;
/** Encodings of values: runs of truth values, and of numbers in a dictionary. */
const RUNS = 3;
const BY_DICTIONARY = [2, 8];

interface Page {
  /** See {@linkcode PAGE}. */
  readonly type: number;
  /** Of its content, in the chunk. */
  readonly start: number;
  /** Where its content ends. */
  readonly end: number;
  /** Bytes when expanded. */
  readonly size: number;
  readonly values: number;
  readonly encoding: number;
  /** Of the second version: bytes of the levels, which are never compressed. */
  readonly levels: readonly [repetition: number, definition: number];
  /** Of the second version: whether the rest is not, either. */
  readonly isPlain: boolean;
}

/** The pages of a chunk whose headers are right. */
export class CheckedPages {
  private readonly pages: readonly Page[];
  /** Of the page that is expanded next: they are decoded in their order. */
  private next = 0;

  /**
   * Checks headers and checksums, and the contents of pages that are not compressed.
   * @throws {Error} saying what is wrong.
   */
  constructor(private readonly chunk: Chunk) {
    this.pages = pagesOf(chunk.bytes);
    const values = this.pages.reduce((sum, page) => sum + (isData(page) ? page.values : 0), 0);
    if (values !== chunk.values) {
      throw new Error(`pages hold ${values} values, the footer says ${chunk.values}`);
    }
    for (const page of this.pages) {
      const { isPlain, start, end, levels: [repetition, definition] } = page;
      const place = start + repetition;
      const values = place + definition;
      if (page.type === PAGE.dataV2) {
        this.checkLevels(chunk.repetition, start, place, page.values);
        this.checkLevels(chunk.definition, place, values, page.values);
      }
      if (chunk.isPlain || isPlain) this.check(page, chunk.bytes.subarray(values, end));
    }
  }

  /**
   * Expands the content of a page, and checks it.
   * @param input The compressed part of a page's bytes. @param end Where it ends in the chunk.
   * @param expand To `length` bytes.
   * @throws {Error} where it expands to another length, or runs are too long.
   */
  expand(
    input: Uint8Array,
    end: number,
    expand: (input: Uint8Array, length: number) => Uint8Array,
  ): Uint8Array {
    const { pages } = this;
    while (this.next < pages.length && pages[this.next].end < end) this.next++;
    const page = pages[this.next++];
    if (page?.end !== end) throw new Error("a page lies where there is none");
    const length = page.size - page.levels[0] - page.levels[1];
    const content = expand(input, length);
    if (content.length !== length) {
      throw new Error(`a page expands to ${content.length} bytes, its header says ${length}`);
    }
    this.check(page, content);
    return content;
  }

  /** Levels up to `most`, from a place in the chunk to another. */
  private checkLevels(most: number, start: number, end: number, count: number): void {
    if (most > 0) checkRuns(this.chunk.bytes.subarray(start, end), bitsOf(most), count);
  }

  /** @param content Of the second version, what follows the levels. */
  private check({ type, values, encoding }: Page, content: Uint8Array): void {
    if (type !== PAGE.data && type !== PAGE.dataV2) return;
    const { repetition, definition, isBoolean } = this.chunk;
    let rest = content;
    for (const most of type === PAGE.data ? [repetition, definition] : []) {
      if (most > 0) rest = checkSized(rest, bitsOf(most), values);
    }
    if (encoding !== RUNS && !BY_DICTIONARY.includes(encoding)) return;
    if ((encoding === RUNS) !== isBoolean) throw new Error("values in an encoding of another type");
    if (isBoolean) {
      if (rest.length > 0) checkSized(rest, 1, values, true);
      return;
    }
    const dictionary = this.pages.find(({ type }) => type === PAGE.dictionary);
    if (dictionary === undefined) throw new Error("a page needs a dictionary, and there is none");
    // Where all values are missing, nothing need follow, and the dictionary may be empty.
    if (rest.length <= 1 && definition > 0) return;
    if (dictionary.values === 0) throw new Error("the dictionary is empty");
    const [width = 0] = rest;
    if (width > 32) throw new Error(`numbers of ${width} bits in a dictionary`);
    checkRuns(rest.subarray(1), width, values, true);
  }
}

function isData({ type }: Page): boolean {
  return type === PAGE.data || type === PAGE.dataV2;
}

/** Bits of the numbers up to one. */
function bitsOf(most: number): number {
  return 32 - Math.clz32(most);
}

function pagesOf(bytes: Uint8Array): Page[] {
  const pages: Page[] = [];
  // Some writers leave a byte after the last page.
  for (let at = 0; at < bytes.length - 1;) {
    const reader = new ThriftReader(bytes, at);
    const page = pageOf(reader.struct(), reader, bytes);
    pages.push(page);
    at = page.end;
  }
  return pages;
}

/** @param reader Behind the header. */
function pageOf(header: Fields, { offset: start }: ThriftReader, bytes: Uint8Array): Page {
  const number = (fields: Fields, id: number, most: number, what: string) => {
    const value = fields.get(id);
    if (typeof value === "number" && value >= 0 && value <= most) return value;
    const found = typeof value === "number" ? value : "none";
    throw new Error(`${what} of a page must be 0 to ${most}, got ${found}`);
  };
  const type = number(header, 1, 3, "the type");
  const size = number(header, 2, MAX_PAGE_BYTES, "the size");
  const length = number(header, 3, bytes.length - start, "the length");
  const end = start + length;
  const checksum = header.get(4);
  if (checksum !== undefined && checksum !== (crc32(bytes.subarray(start, end)) | 0)) {
    throw new Error("the checksum of a page is wrong");
  }
  const fields = header.get({ 0: 5, 2: 7, 3: 8 }[type] ?? -1);
  if (!(fields instanceof Map)) {
    throw new Error(`a page of type ${type} has no header of its kind`);
  }
  const values = number(fields, 1, MAX_PAGE_VALUES, "the number of values");
  const isV2 = type === PAGE.dataV2;
  if (isV2) number(fields, 2, values, "the number of missing values");
  const encoding = number(fields, isV2 ? 4 : 2, 10, "the encoding");
  const bytesOf = (id: number) => isV2 ? number(fields, id, length, "the length of the levels") : 0;
  const levels = [bytesOf(6), bytesOf(5)] as const;
  if (levels[0] + levels[1] > Math.min(length, size)) {
    throw new Error("the levels of a page are longer than it");
  }
  return { type, start, end, size, values, encoding, levels, isPlain: isV2 && fields.get(7) === 0 };
}

/** Checks runs behind their length, four bytes. @returns What follows them. */
function checkSized(
  bytes: Uint8Array,
  width: number,
  count: number,
  isMost = false,
): Uint8Array {
  if (bytes.length < 4) throw new Error("a page ends where runs begin");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 4 + view.getUint32(0, true);
  if (end > bytes.length) throw new Error("a page ends within its runs");
  checkRuns(bytes.subarray(4, end), width, count, isMost);
  return bytes.subarray(end);
}

/**
 * Goes through runs without decoding them.
 * @param width Bits of a number. @param count How many there are. @param isMost Fewer will do.
 * @throws {Error} where a run is longer than what is left, unless its bits are there, or the bytes end.
 */
function checkRuns(bytes: Uint8Array, width: number, count: number, isMost = false): void {
  const reader = new ThriftReader(bytes);
  for (let left = count; left > 0;) {
    if (isMost && reader.offset === bytes.length) return;
    const head = reader.varint();
    const isPacked = head % 2 === 1;
    const run = Math.floor(head / 2) * (isPacked ? 8 : 1);
    // Packed bits come in groups of eight numbers; DuckDB's last run is filled up to 256, in bytes too.
    const whole = Math.ceil(run * width / 8);
    const isPadded = isPacked && width > 0 && reader.offset + whole <= bytes.length;
    if (run > (isPacked ? 8 * Math.ceil(left / 8) : left) && !isPadded) {
      throw new Error(`a run of ${run} values where ${left} are left`);
    }
    // The last group may end with its last number.
    reader.offset += isPacked ? Math.ceil(Math.min(run, left) * width / 8) : Math.ceil(width / 8);
    if (reader.offset > bytes.length) throw new Error("a page ends within a run");
    left -= run;
  }
}
