/** Parquet: files that PyArrow wrote, with damage in footer, page headers and pages. */
import { assertEquals } from "@std/assert";
import { parquetMetadata } from "hyparquet";
import { elementsOf } from "../../datasets/array.ts";
import { decodeRows } from "../../datasets/decode.ts";
import { joined } from "../archives.ts";
import { type Dice, mutate } from "./mutations.ts";
import { FILE, type Reader } from "./reader.ts";

/** A valid file, and where its parts lie. */
interface Valid {
  readonly bytes: Uint8Array;
  /** Where the footer begins; eight bytes follow it: its length, and PAR1. */
  readonly footer: number;
  /** Where columns begin, by the header of a page, and where they end. */
  readonly columns: readonly (readonly [start: number, end: number])[];
}

const NAMES = ["pages1", "pages2", "none", "snappy", "gzip", "brotli", "lz4"];
const VALID: readonly Valid[] = NAMES.map((name) => {
  const bytes = Deno.readFileSync(new URL(`../golden/${name}.parquet`, import.meta.url));
  const { row_groups, metadata_length } = parquetMetadata(bytes);
  const columns = row_groups.flatMap(({ columns }) =>
    columns.map(({ meta_data }) => {
      const { dictionary_page_offset, data_page_offset, total_compressed_size } = meta_data!;
      const start = Number(dictionary_page_offset || data_page_offset);
      return [start, start + Number(total_compressed_size)] as const;
    })
  );
  return { bytes, footer: bytes.length - 8 - metadata_length, columns };
});

/** Most of a page's header lies within so many bytes. */
const HEADER = 32;
const NUMBERS = [
  0,
  1,
  2,
  3,
  7,
  24,
  25,
  26,
  40,
  63,
  64,
  127,
  128,
  2 ** 14,
  2 ** 21,
  2 ** 28,
  2 ** 31,
];

/** A number of Thrift's and of runs: seven bits a byte. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push(value % 128 + 128);
  return Uint8Array.from([...bytes, value]);
}

/** Bytes with a number written over others, or between them. */
function withNumber(dice: Dice, bytes: Uint8Array): Uint8Array {
  const at = dice.below(bytes.length);
  const number = varint(dice.chance(0.8) ? dice.of(NUMBERS) : dice.below(2 ** 31));
  const replaced = dice.chance(0.6) ? number.length : dice.below(3);
  return joined([bytes.subarray(0, at), number, bytes.subarray(at + replaced)]);
}

function damagedPart(dice: Dice, part: Uint8Array): Uint8Array {
  return dice.chance(0.5) ? withNumber(dice, part) : mutate(dice, part);
}

/** The file with some bytes changed in place. */
function inPlace(dice: Dice, bytes: Uint8Array, start: number, end: number): Uint8Array {
  const changed = damagedPart(dice, bytes.slice(start, end));
  return joined([
    bytes.subarray(0, start),
    joined([changed, bytes.subarray(start + changed.length, end)]).subarray(0, end - start),
    bytes.subarray(end),
  ]);
}

function damaged(dice: Dice): Uint8Array {
  const { bytes, footer, columns } = dice.of(VALID);
  const [start, end] = dice.of(columns);
  switch (dice.below(8)) {
    case 0:
      return mutate(dice, bytes, VALID.map(({ bytes }) => bytes));
    case 1:
    case 2:
    case 3: {
      // With the length that it has then.
      const changed = damagedPart(dice, bytes.slice(footer, -8));
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, changed.length, true);
      return joined([bytes.subarray(0, footer), changed, length, bytes.subarray(-4)]);
    }
    case 4:
    case 5:
      return inPlace(dice, bytes, start, Math.min(end, start + HEADER));
    default:
      return inPlace(dice, bytes, start, end);
  }
}

/** The reader. */
export const parquet: Reader = {
  name: "parquet",
  peer: ["numpy", "pyarrow.parquet"],
  make: damaged,
  async read(bytes) {
    const { array } = await decodeRows(bytes, FILE, { missing: true });
    assertEquals(array.values.length, elementsOf(array.shape));
    // What is left of a damaged file may be text.
    return array.type === "parquet" ? { shape: array.shape, values: array.values } : undefined;
  },
};
