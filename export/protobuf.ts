/**
 * Writing Protocol Buffers' wire format, as far as ONNX models and TensorBoard's events need it
 * (protobuf.dev/programming-guides/encoding).
 */

/** How a field's value is written. */
const VARINT = 0, FIXED64 = 1, LENGTH = 2, FIXED32 = 5;

/** A message under construction: fields in the order in which they are added. */
export class Message {
  private readonly chunks: Uint8Array[] = [];
  private length = 0;

  /** A number of type int32, int64, uint64, bool or an enumeration. */
  integer(field: number, value: number | bigint): this {
    return this.tag(field, VARINT).push(varint(BigInt(value)));
  }

  /** A text, or bytes. */
  bytes(field: number, value: string | Uint8Array): this {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    return this.tag(field, LENGTH).push(varint(BigInt(bytes.length))).push(bytes);
  }

  /** A message within the message. */
  message(field: number, { chunks, length }: Message): this {
    this.tag(field, LENGTH).push(varint(BigInt(length)));
    for (const chunk of chunks) this.push(chunk);
    return this;
  }

  /** A number of type float. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.tag(field, FIXED32).push(bytes);
  }

  /** A number of type double. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    return this.tag(field, FIXED64).push(bytes);
  }

  /** The message's bytes. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  private tag(field: number, type: number): this {
    return this.push(varint(BigInt(field << 3 | type)));
  }

  private push(chunk: Uint8Array): this {
    this.chunks.push(chunk);
    this.length += chunk.length;
    return this;
  }
}

/** Seven bits a byte, the lowest first; negative numbers in two's complement of 64 bits. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
