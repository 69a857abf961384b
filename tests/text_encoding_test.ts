/** What text is in, and first lines that are neither names nor a row. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseClassLines } from "../datasets/class_lines.ts";
import { parseTable, type TableOptions } from "../datasets/csv.ts";
import { inFolder, run } from "./command_line.ts";

const parse = (text: string | Uint8Array, options: TableOptions = {}) =>
  parseTable(typeof text === "string" ? new TextEncoder().encode(text) : text, "t.csv", options);
/** Every character a byte. */
const latin1 = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

Deno.test("text: Latin-1 keeps its letters, and that is said", () => {
  const table = "größe,länge,art\n1,2,bär\n3,4,fuß\n";
  const { columns, classes, notes } = parse(latin1(table), { classColumn: "art" });
  assertEquals([columns, classes], [["größe", "länge"], ["bär", "fuß"]]);
  assertEquals(notes.length, 1);
  assert(notes[0].includes("no UTF-8 and are read as Windows-1252"), notes[0]);
  assert(notes[0].includes("--encoding"), notes[0]);
  assertEquals(parse(table, { classColumn: "art" }).notes, []);
  assertEquals(parse(latin1(table), { classColumn: "art", encoding: "latin1" }).notes, []);
  assertEquals(parseClassLines(latin1("bär\nfuß\n"), "c.txt").cells, ["bär", "fuß"]);
});

Deno.test("text: other encodings are named, and UTF-8 that is asked for is checked", () => {
  // "размер" in windows-1251.
  const cyrillic = Uint8Array.of(0xf0, 0xe0, 0xe7, 0xec, 0xe5, 0xf0);
  const bytes = Uint8Array.of(...cyrillic, 0x0a, 0x31, 0x0a, 0x32, 0x0a);
  assertEquals(parse(bytes, { encoding: "windows-1251" }).columns, ["размер"]);
  const second = Uint8Array.of(0x61, 0x0a, ...cyrillic, 0x0a);
  assertThrows(
    () => parse(second, { encoding: "utf-8" }),
    SyntaxError,
    "Cannot read t.csv: line 2 holds bytes that are no UTF-8",
  );
  const wide = new Uint8Array(
    new Uint16Array([..."a,b\n1,2\n"].map((c) => c.charCodeAt(0))).buffer,
  );
  assertThrows(() => parse(wide), SyntaxError, "--encoding utf-16le reads it");
  assertEquals(parse(wide, { encoding: "utf-16le" }).columns, ["a", "b"]);
});

Deno.test("text: Excel's line sep=; names the separator and is no row", () => {
  for (const line of ["sep=;\r\n", "SEP=;\n", "\ufeffsep=;\r\n"]) {
    const { array, columns } = parse(`${line}a;b\r\n1;2\r\n3;4\r\n`);
    assertEquals([[...array.values], columns], [[1, 2, 3, 4], ["a", "b"]]);
  }
  assertEquals([...parse("sep=|\n1|2\n").array.values], [1, 2]);
  assertThrows(() => parse("sep=;\n1;2\n3;x\n"), SyntaxError, "line 3, column 1");
  // Without its own line end it is a name like others.
  assertEquals(parse("sep=;x\n1;2\n").columns, ["sep=", "x"]);
});

Deno.test("text: a first line of numbers that may be names is noted, and --header decides", () => {
  const notes = (text: string, options: TableOptions = {}) => parse(text, options).notes.join();
  for (
    const text of [
      "2019,2020,2021\n0.5,1.25,3.5\n0.1,2.5,4.5\n",
      "2019,2020,2021,2022\n5,3,8,1\n",
      "100,200,300,400\n5,3,8,1\n",
    ]
  ) {
    assert(notes(text).includes("is read as a row; --header yes takes it for names"), text);
    assertEquals(notes(text, { header: false }), "");
    assertEquals(notes(text, { header: true }), "");
  }
  const labelled = "2019,2020,c\n0.5,1.5,a\n0.25,2.5,b\n";
  assert(notes(labelled, { classColumn: "last" }).includes("--header yes"));
  for (const text of ["5,3,8\n1,2,3\n", "0.5,1.5\n2.5,3.5\n", "1,1,1,1\n2,2,2,2\n", "3\n0.5\n"]) {
    assertEquals(notes(text), "");
  }
});

Deno.test("text: --encoding on the command line, and of a run for predict", async () => {
  await inFolder(async (folder) => {
    const rows = Array.from({ length: 12 }, (_, i) => `${i % 3},${i % 2},${i}`).join("\n");
    await Deno.writeFile(`${folder}/l.csv`, latin1(`größe,b,c\n${rows}\n`));
    const kmeans = ["--model", "kmeans", "--clusters", "2", "--out", "run"];
    const train = ["train", "--data", "l.csv", "--encoding", "latin1", ...kmeans];
    const trained = await run(train, folder);
    assertEquals([trained.code, trained.err.includes("UTF-8")], [0, false], trained.err);
    const found = await run(["predict", "--run", "run", "--data", "l.csv"], folder);
    assertEquals([found.code, found.err], [0, ""]);
    const { code, err } = await run(["data", "info", "l.csv", "--encoding", "nonsense"], folder);
    assertEquals(code, 2);
    assert(err.includes("--encoding takes a name that browsers know"), err);
  });
});
