/** Parquet tables, as PyArrow writes them (tests/golden/parquet.py). */
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { TableOptions } from "../datasets/csv.ts";
import { decodeClasses, decodeRows } from "../datasets/decode.ts";
import { gzip } from "../datasets/gzip.ts";
import { loadDataset } from "../datasets/load.ts";
import { CheckedPages } from "../datasets/parquet_pages.ts";
import { expanders } from "../datasets/parquet_expanders.ts";
import { RandomStream } from "../engine/random.ts";
import { encodeParquet } from "../export/tables.ts";
import { joined } from "./archives.ts";
import { inFolder, run } from "./command_line.ts";

const golden = (name: string) => new URL(`golden/${name}.parquet`, import.meta.url);
const TABLE = Deno.readFileSync(golden("table"));

const read = (options: TableOptions, bytes = TABLE) => decodeRows(bytes, "t.parquet", options);

/** The values of the columns, row by row. */
async function rows(options: TableOptions): Promise<number[][]> {
  const { array: { values, shape: [n, d] } } = await read(options);
  return Array.from({ length: n }, (_, i) => Array.from(values.subarray(i * d, (i + 1) * d)));
}

Deno.test("Parquet: numbers, booleans, and lists as vectors, over several row groups", async () => {
  const columns = ["length", "count", "small", "is big", "code"];
  const expected = Array.from({ length: 7 }, (_, i) => {
    const lists = [i, i + 0.5, -i];
    return [0.5 * i, 10 * i - 20, 0.25 * i, i > 3 ? 1 : 0, ...lists].map((x) => x + 0);
  });
  assertEquals((await rows({ columns })).map((row) => row.map((x) => x + 0)), expected);
  const { kinds } = await read({ columns });
  assertEquals(
    kinds?.map(({ name }) => name),
    ["length", "count", "small", "is big", "code.0", "code.1", "code.2"],
  );
});

Deno.test("Parquet: every compression that PyArrow writes", async () => {
  const [plain, ...others] = await Promise.all(
    ["none", "snappy", "gzip", "brotli", "lz4"].map(async (name) =>
      (await read({}, await Deno.readFile(golden(name)))).array
    ),
  );
  assertEquals(plain.shape, [7, 5]);
  for (const array of others) assertEquals(array, plain);
});

Deno.test("Parquet: classes, ids, categories and missing values by the options of tables", async () => {
  const { array, classes, ids, kinds } = await read({
    classColumn: "kind",
    idColumn: "id",
    columns: ["gap", "colour"],
    oneHot: ["colour"],
    missing: true,
  });
  assertEquals(array.shape, [7, 2]);
  assertEquals(Array.from(array.values), [
    ...[0, 0, 1, 1, NaN, 0, 3, NaN, 4, 1, 5, 0, 6, 2],
  ]);
  assertEquals(kinds, [
    { name: "gap", number: 5 },
    { name: "colour", number: 6, categories: ["red", "blue", "green"] },
  ]);
  assertEquals(classes?.classNames, ["a", "b"]);
  assertEquals([...classes!.classes], [0, 1, 0, 1, 0, 1, 0]);
  assertEquals(ids, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
});

Deno.test("Parquet: a set of it is the set of the same table as text", async () => {
  const folder = await Deno.makeTempDir();
  const csv = `${folder}/t.csv`;
  const lines = Array.from({ length: 7 }, (_, i) => `${10 * i - 20},${0.5 * i}`);
  await Deno.writeTextFile(csv, `count,length\n${lines.join("\n")}\n`);
  const table = { columns: ["count", "length"] };
  const text = await loadDataset(csv, { scale: "standard" });
  const parquet = await loadDataset(fileURLToPath(golden("table")), { scale: "standard", table });
  // As the file has them: length before count.
  assertEquals(parquet.schema.columns?.map(({ name }) => name), ["length", "count"]);
  // For a model of the text, put in its order by name.
  const { d, scaling, schema } = text;
  const again = await loadDataset(fileURLToPath(golden("table")), {
    table: { ignore: ["ragged", "day", "id"] },
    trained: { d, scaling, schema },
  });
  assertEquals(again.data, text.data);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Parquet: a column of classes for other rows", async () => {
  const { classes } = await decodeClasses(TABLE, "t.parquet", { column: "kind" });
  assertEquals([...classes], [0, 1, 0, 1, 0, 1, 0]);
  await assertRejects(
    () => decodeClasses(TABLE, "t.parquet"),
    SyntaxError,
    "Cannot read t.parquet: it has the columns id, length, count",
  );
});

Deno.test("Parquet: labels as predict writes them, in the order of their rows", async () => {
  const rows = Uint32Array.of(7, 0, 3);
  const labels = Uint32Array.of(2, 1, 2);
  const known = [{ name: "row", values: rows }, { name: "label", values: labels }];
  const bytes = await encodeParquet(known);
  const { classes, rows: found } = await decodeClasses(bytes, "l.parquet");
  assertEquals([[...classes], [...found!]], [[1, 2, 2], [0, 3, 7]]);
  const named = await decodeClasses(bytes, "l.parquet", { column: "label" });
  assertEquals([named.classes, named.rows], [classes, found]);
  const twice = await encodeParquet([{ name: "row", values: Uint32Array.of(3, 0, 3) }, known[1]]);
  await assertRejects(() => decodeClasses(twice, "l.parquet"), RangeError, 'row "3"');
  const other = await encodeParquet([{ name: "id", values: rows }, known[1]]);
  await assertRejects(
    () => decodeClasses(other, "l.parquet", { columnOption: "--labels-column" }),
    SyntaxError,
    "it has the columns id, label; --labels-column takes one",
  );
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/l.parquet`, bytes);
    await Deno.writeTextFile(`${folder}/truth.txt`, "0\n5\n5\n1\n5\n5\n5\n1\n");
    const args = ["evaluate", "--labels", "l.parquet", "--truth", "truth.txt", "--json"];
    const { err, out } = await run(args, folder);
    assertEquals(err, "note: l.parquet labels 3 of the 8 rows of truth.txt\n");
    assertEquals(JSON.parse(out).acc, 1);
  });
});

Deno.test("Parquet: what is no number is named by its place, with what helps", async () => {
  const cases: [column: string, options: TableOptions, message: string][] = [
    ["id", {}, 'row 0, column 0 (id): "r0" is not a number; columns count from 0: --one-hot 0'],
    ["gap", {}, "row 2, column 5 (gap): the value is missing; --missing drop, mean or median"],
    ["day", {}, "row 0, column 9 (day): the time 1970-01-01T00:00:00.000Z is not a number"],
    [
      "ragged",
      {},
      "row 1, column 10 (ragged): a list of 2 values, expected a list of 1 as the first",
    ],
    ["large", {}, "row 0, column 11 (large): 9007199254740992 is past ±(2⁵³ − 1)"],
    ["colour", { classColumn: "colour" }, "row 3, column 6 (colour): the class is empty"],
  ];
  for (const [column, options, message] of cases) {
    const columns = column === "colour" ? ["length"] : [column];
    await assertRejects(
      () => read({ columns, ...options }),
      SyntaxError,
      `Cannot read t.parquet: ${message}`,
    );
  }
  await assertRejects(() => read({ columns: ["nothing"] }), RangeError, "no column nothing");
  await assertRejects(
    () => read({ classColumn: "kind", idColumn: "kind" }),
    RangeError,
    "(kind) is named by --id-column and by --class-column; it can be one of them",
  );
});

Deno.test("Parquet: a run on it, by the permissions of the project", async () => {
  await inFolder(async (folder) => {
    const table = ["--data", fileURLToPath(golden("table")), "--columns", "code,length"];
    const options = [
      "--class-column",
      "kind",
      "--model",
      "kmeans",
      "--threads",
      "1",
      "--out",
      "run",
    ];
    const { code, out, err } = await run(["train", ...table, ...options, "--json"], folder);
    assertEquals(code, 0, err);
    const { data: { n, d, schema } } = JSON.parse(out);
    assertEquals([n, d], [7, 4]);
    const names = ["length", "code.0", "code.1", "code.2"];
    assertEquals(schema.columns.map(({ name }: { name: string }) => name), names);
    const predicted = await run(["predict", "--run", "run", ...table], folder);
    assertEquals([predicted.code, predicted.out.trim().split("\n").length], [0, 8], predicted.err);
    const truth = ["--truth", table[1], "--truth-column", "kind"];
    const scored = await run(["evaluate", "--labels", "run/labels.csv", ...truth], folder);
    assertEquals(scored.code, 0, scored.err);
  });
});

Deno.test("Parquet: damaged files are refused in our words, or read with the shape they say", async () => {
  const random = new RandomStream(5, 1);
  const columns = ["length", "count", "code"];
  let refused = 0;
  const attempts = 300;
  for (let i = 0; i < attempts; i++) {
    const bytes = TABLE.slice(0, i % 3 === 0 ? 4 + random.below(TABLE.length - 4) : undefined);
    for (let k = i % 4; k >= 0; k--) bytes[4 + random.below(bytes.length - 4)] = random.below(256);
    try {
      const { array } = await read({ columns }, bytes);
      assertEquals(array.values.length, array.shape[0] * array.shape[1]);
    } catch (error) {
      refused++;
      assert(error instanceof SyntaxError || error instanceof RangeError, `${error}`);
      assert(error.message.startsWith("Cannot read t.parquet: "), error.message);
    }
  }
  // Those that were cut off are, all of them.
  assert(refused >= attempts / 3, `${refused}`);
});

Deno.test("Parquet: pages in every encoding, with gaps, in both versions", async () => {
  for (const name of ["pages1", "pages2"]) {
    const { array, kinds } = await read({ missing: true }, await Deno.readFile(golden(name)));
    assertEquals(array.shape, [40, 8], name);
    const names = ["few", "gaps", "all gaps", "steps", "split", "truth", "pairs.0", "pairs.1"];
    assertEquals(kinds?.map(({ name }) => name), names);
    const expected = Array.from({ length: 40 }, (_, i) => [
      [1.5, -2, 7.25][i % 3],
      i % 7 === 3 ? NaN : i * i,
      NaN,
      1000 + 3 * i - i % 5,
      Math.fround(0.1 * i),
      i % 11 < 6 ? 1 : 0,
      i,
      i === 9 ? NaN : 0 - i,
    ]);
    assertEquals(Array.from(array.values), expected.flat(), name);
  }
});

Deno.test("Parquet: a page whose checksum is wrong is refused", async () => {
  const bytes = await Deno.readFile(golden("pages2"));
  // Of the first column's dictionary, 24 bytes of numbers compressed.
  bytes[40] ^= 1;
  await assertRejects(() => read({ missing: true }, bytes), SyntaxError, "the checksum of a page");
});

Deno.test("Parquet: columns of one name are refused", async () => {
  const bytes = await encodeParquet([
    { name: "qa", values: [1, 2] },
    { name: "qb", values: [3, 4] },
  ]);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === 0x71 && bytes[i + 1] === 0x62) bytes[i + 1] = 0x61;
  }
  await assertRejects(
    () => read({}, Uint8Array.from(bytes)),
    SyntaxError,
    'several columns are called "qa"',
  );
});

/** A data page of the first version of so many values, whose definition levels are these runs. */
function pageOf(values: number, runs: readonly number[]): Uint8Array {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [value % 128 + 128, ...varint(Math.floor(value / 128))];
  const field = (value: number) => [0x15, ...varint(2 * value)];
  const content = [runs.length, 0, 0, 0, ...runs];
  const size = field(content.length);
  const header = [0x2c, ...field(values), ...field(0), ...field(3), ...field(3), 0];
  return Uint8Array.from([...field(0), ...size, ...size, ...header, 0, ...content]);
}

Deno.test("Parquet: a run is no longer than its page, which no decoder could hold", () => {
  const check = (values: number, runs: readonly number[], promised = values) =>
    new CheckedPages({
      ...{ bytes: pageOf(values, runs), values: promised, isPlain: true, isBoolean: false },
      ...{ repetition: 0, definition: 1 },
    });
  // 20 times 1 and 8 numbers of a bit each; a last group of which 4 count.
  check(28, [40, 1, 3, 0xff]);
  check(4, [3, 0x0f]);
  // DuckDB's groups have 256 numbers, all of them there.
  check(4, [65, ...new Array(32).fill(0x0f)]);
  const refused = (message: string, ...args: Parameters<typeof check>) =>
    assertThrows(() => check(...args), Error, message);
  refused("a run of 2147483647 values where 20 are left", 20, [0xfe, 0xff, 0xff, 0xff, 0x0f, 1]);
  refused("a run of 8589934584 values where 20 are left", 20, [0xff, 0xff, 0xff, 0xff, 7]);
  refused("a run of 256 values where 4 are left", 4, [65, ...new Array(31).fill(0x0f)]);
  refused("a page ends within a run", 20, [5, 0xff]);
  refused("the bytes end", 20, [30, 1]);
  refused("the number of values of a page must be 0 to 33554432", 2 ** 26, [40, 1]);
  refused("pages hold 20 values, the footer says 21", 20, [40, 1], 21);
});

Deno.test("Parquet: Zstandard stops past the length that a page promises", async () => {
  const { ZSTD: expand } = await expanders();
  // A frame of blocks of 2¹⁷ equal bytes each, without its length: 131 MB of 4 kB.
  const block = (isLast: boolean) => {
    const head = 2 ** 17 * 8 + 2 + (isLast ? 1 : 0);
    return Uint8Array.of(head & 255, head >> 8 & 255, head >> 16, 7);
  };
  const blocks = Array.from({ length: 1000 }, (_, i) => block(i === 999));
  const frame = joined([Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x38), ...blocks]);
  assertThrows(() => expand(frame, 2 ** 18), Error, "it expands to more than 262144 bytes");
  const short = joined([frame.subarray(0, 6), block(true)]);
  assertEquals(expand(short, 2 ** 17).length, 2 ** 17);
});

Deno.test("Parquet: gzip's checksum and length of a page are believed, not zeros behind it", async () => {
  const { GZIP: expand } = await expanders();
  const content = Uint8Array.from({ length: 300 }, (_, i) => i % 7);
  const member = await gzip(content);
  assertEquals(expand(member, 300), content);
  assertThrows(() => expand(member, 304), Error, "a page of 304 bytes");
  assertThrows(() => expand(member.subarray(0, 17), 300), Error, "unexpected EOF");
  member[member.length - 8] ^= 1;
  assertThrows(() => expand(member, 300), Error, "a gzip checksum is wrong");
});

Deno.test("Parquet: a page of other bytes than it promises is refused, not filled with zeros", async () => {
  const { LZ4, LZ4_RAW } = await expanders();
  const content = Uint8Array.from({ length: 300 }, (_, i) => i * i % 11);
  // LZ4: of 15 + 255 + 30 literals and no match, alone and behind the lengths that Hadoop writes.
  const block = joined([Uint8Array.of(0xf0, 255, 30), content]);
  const framed = joined([Uint8Array.of(0, 0, 1, 44, 0, 0, 1, 47), block]);
  for (const [expand, stream] of [[LZ4_RAW, block], [LZ4, framed]] as const) {
    assertEquals(expand(stream, 300), content);
    assertThrows(() => expand(stream, 304), Error, "damaged or of another length");
    assertThrows(() => expand(stream, 299), Error);
  }
});

Deno.test("Parquet: Brotli stops past the length that a page promises, and gives no zeros", async () => {
  const { BROTLI: expand } = await expanders();
  const content = Uint8Array.from({ length: 300 }, (_, i) => i * i % 11);
  const stream = new Uint8Array(brotliCompressSync(content));
  const bytes = (length: number) => new Uint8Array(expand(stream, length));
  assertEquals(bytes(300), content);
  assertEquals(bytes(304).length, 300);
  for (const length of [299, 1, 0]) assertThrows(() => bytes(length), RangeError);
});

Deno.test("Parquet: a number past the bits that its column says it has is refused", async () => {
  const bytes = await Deno.readFile(golden("pages1"));
  // The last number of a page that is not compressed, of 16 bits stored in 32.
  bytes[562 + 268 - 2] ^= 1;
  await assertRejects(
    () => read({ missing: true }, bytes),
    SyntaxError,
    "-65560 is no INT_16",
  );
});

/** A file that has nothing but a footer. */
function footerOf(...footer: readonly number[]): Uint8Array<ArrayBuffer> {
  const magic = [0x50, 0x41, 0x52, 0x31];
  return Uint8Array.from([...magic, ...footer, footer.length, 0, 0, 0, ...magic]);
}

Deno.test("Parquet: what leads back in a footer is refused, not followed for ever", async () => {
  const refused = (message: string, ...footer: readonly number[]) =>
    assertRejects(() => read({}, footerOf(...footer)), SyntaxError, message);
  // The version, and a text of 2³² − 5 bytes.
  await refused("the bytes end", 0x15, 4, 0x18, 0xfb, 0xff, 0xff, 0xff, 0x0f, 0);
  // A schema of a root and two columns, of which the first has −2 children, and one that is too short.
  const named = (children: number) => [0x48, 1, 0x61, 0x15, children, 0];
  await refused("no tree", 0x15, 4, 0x19, 0x3c, ...named(4), ...named(3), ...named(0), 0);
  await refused("no tree", 0x15, 4, 0x19, 0x2c, ...named(4), ...named(0), 0);
  await refused("no tree", 0x15, 4, 0x19, 0x2c, ...named(0), ...named(0), 0);
});
