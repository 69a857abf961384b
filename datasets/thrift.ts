/** Integers out of structures in Thrift's compact protocol, by the numbers of their fields. */

/** A structure by the numbers of its fields. */
export type Fields = ReadonlyMap<number, Value>;

/** Whole numbers, truth values as 0 and 1, structures, and lists of structures; all else is passed over. */
export type Value = number | Fields | readonly Fields[];

/** Types of the protocol, of those that are told apart here. */
const TYPE = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  struct: 12,
} as const;

/** Structures within structures; the deepest of Parquet's headers has two. */
const MOST_NESTED = 16;

/** Reads from a place in bytes on. */
export class ThriftReader {
  /** @param offset The place, which moves. */
  constructor(private readonly bytes: Uint8Array, public offset = 0) {}

  /** @throws {Error} where the bytes end, or are no structure. */
  struct(depth = 0): Fields {
    if (depth > MOST_NESTED) throw new Error("structures are nested too deeply");
    const fields = new Map<number, Value>();
    for (let id = 0;;) {
      const head = this.byte();
      const type = head & 15;
      if (type === TYPE.stop) return fields;
      id = head >> 4 === 0 ? this.integer() : id + (head >> 4);
      const value = this.value(type, depth);
      if (value !== undefined) fields.set(id, value);
    }
  }

  /** An unsigned number of seven bits a byte. @throws {Error} for more than 53 bits. */
  varint(): number {
    let value = 0;
    for (let place = 1; place < 2 ** 53; place *= 128) {
      const byte = this.byte();
      value += (byte & 127) * place;
      if (byte < 128) return value;
    }
    throw new Error("a number is too long");
  }

  private value(type: number, depth: number): Value | undefined {
    switch (type) {
      case TYPE.true:
      case TYPE.false:
        return type === TYPE.true ? 1 : 0;
      case TYPE.byte:
        return this.byte();
      case TYPE.i16:
      case TYPE.i32:
      case TYPE.i64:
        return this.integer();
      case TYPE.double:
        return this.skip(8);
      case TYPE.binary:
        return this.skip(this.varint());
      case TYPE.list:
      case TYPE.set:
        return this.list(depth);
      case TYPE.struct:
        return this.struct(depth + 1);
      default:
        throw new Error(`there is no type ${type}`);
    }
  }

  private list(depth: number): readonly Fields[] {
    const head = this.byte();
    const type = head & 15;
    const isTruth = type === TYPE.true || type === TYPE.false;
    const count = head >> 4 === 15 ? this.varint() : head >> 4;
    // Each takes a byte at least, so that the bytes bound this.
    const structures: Fields[] = [];
    for (let i = 0; i < count; i++) {
      const value = this.value(isTruth ? TYPE.byte : type, depth + 1);
      if (value instanceof Map) structures.push(value);
    }
    return structures;
  }

  /** Zigzag: 0, −1, 1, −2, … */
  private integer(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  private byte(): number {
    this.skip(1);
    return this.bytes[this.offset - 1];
  }

  private skip(count: number): undefined {
    if (count > this.bytes.length - this.offset) throw new Error("the bytes end");
    this.offset += count;
  }
}
