/**
 * Logs as TensorBoard reads them: TFRecords, each a length, the data and the masked CRC-32C of both, of
 * event.proto's messages.
 */
import type { LogRow } from "../models/estimator.ts";
import { Message } from "./protobuf.ts";

/**
 * The bytes of an event file: a scalar `phase/name` for every number of every row, at the row's step. The
 * log knows no times, so that every event's is 0 and the bytes depend on the rows alone. TensorBoard
 * wants `tfevents` in the file's name.
 */
export function encodeEvents(rows: readonly LogRow[]): Uint8Array {
  const events = [new Message().double(1, 0).bytes(3, "brain.Event:2")];
  for (const { phase, step, ...values } of rows) {
    const summary = new Message();
    let isEmpty = true;
    for (const [name, value] of Object.entries(values)) {
      if (typeof value !== "number" && typeof value !== "boolean") continue;
      summary.message(1, new Message().bytes(1, `${phase}/${name}`).float(2, Number(value)));
      isEmpty = false;
    }
    if (isEmpty) continue;
    const event = new Message().double(1, 0);
    if (typeof step === "number") event.integer(2, step);
    events.push(event.message(5, summary));
  }
  const records = events.map((event) => record(event.encode()));
  const bytes = new Uint8Array(records.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of records) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** uint64 length, its CRC, the data, their CRC; little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + 4 + data.length + 4);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc(data), true);
  return bytes;
}

/** CRC-32C of every byte, by its reversed polynomial. */
const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Rotated and shifted, so that a CRC of data that hold CRCs is one all the same. */
function maskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ crc >>> 8;
  crc = ~crc >>> 0;
  return ((crc >>> 15 | crc << 17) + 0xa282ead8) >>> 0;
}
