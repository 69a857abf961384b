import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { parseClassLines } from "../datasets/class_lines.ts";
import { parseTable, type TableOptions } from "../datasets/csv.ts";
import { parseReal } from "../datasets/csv_scanner.ts";
import { type Dataset, makeDataset, sha256 } from "../datasets/dataset.ts";
import { fetchDataset, fetchSet } from "../datasets/fetch.ts";
import { gzip } from "../datasets/gzip.ts";
import { decodeIdx, encodeIdx } from "../datasets/idx.ts";
import { classCounts, classesOfArray } from "../datasets/classes.ts";
import { decodeClasses, decodeRows } from "../datasets/decode.ts";
import { listDatasets, loadDataset, type LoadOptions } from "../datasets/load.ts";
import { assembleNamedSet, findNamedSet, NAMED_SETS, type NamedSet } from "../datasets/named.ts";
import { decodeNpy, encodeNpy } from "../datasets/npy.ts";
import {
  applyScaling,
  describeScaling,
  type ScaleOptions,
  type Scaling,
  scalingOf,
} from "../datasets/scaling.ts";
import { ColumnStatistics } from "../datasets/statistics.ts";
import {
  folderSource,
  mirrorSource,
  type Source,
  sourcesOf,
  zipCodeSource,
  zipCodeToIdx,
} from "../datasets/sources.ts";

const DATA = Deno.env.get("DYNAE_DATA");
const REAL = DATA === undefined ? {} : { dataDir: DATA };
if (DATA === undefined) {
  console.warn("SKIPPED: real MNIST, Fashion-MNIST and USPS; set DYNAE_DATA to their folder");
}

const encode = (text: string) => new TextEncoder().encode(text);
const table = (text: string, options?: TableOptions) => parseTable(encode(text), "t.csv", options);

/** Scales rows in place. */
function scaleRows(data: Float32Array, d: number, options: ScaleOptions): Scaling {
  const scaling = scalingOf(new ColumnStatistics(d).add(data), options);
  applyScaling(data, d, scaling, data);
  return scaling;
}

/** Runs `body` with a temporary folder. */
async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Loads `bytes` as a file of that name. */
async function load(name: string, bytes: Uint8Array, options?: LoadOptions): Promise<Dataset> {
  let dataset: Dataset | undefined;
  await inFolder(async (folder) => {
    await Deno.writeFile(`${folder}/${name}`, bytes);
    dataset = await loadDataset(`${folder}/${name}`, options);
  });
  return dataset!;
}

Deno.test("optdigits ships, with the published size, classes and first digit", async () => {
  const digits = await loadDataset("optdigits");
  assertEquals([digits.n, digits.d, digits.height, digits.width], [5620, 64, 8, 8]);
  assertEquals(digits.scaling, { kind: "divisor", divisor: 16 });
  assertEquals(digits.licence, "CC BY 4.0");
  assertEquals(
    [...classCounts(digits.classes!).values()],
    [554, 571, 557, 572, 568, 558, 558, 566, 554, 562],
  );
  const first = [0, 1, 6, 15, 12, 1, 0, 0, 0, 7, 16, 6, 6, 10, 0, 0];
  assertEquals([...digits.data.subarray(0, 16)], first.map((pixel) => pixel / 16));
  assertEquals(
    digits.digest,
    "8dbe8ee4c1daff319e5911bb1832839b68895478c924bdfc75636ee0fc99e42b",
  );
  assertEquals(digits.data.reduce((a, b) => Math.max(a, b)), 1);
});

Deno.test("optdigits: limit, scale and classes beside it", async () => {
  const raw = await loadDataset("optdigits", { scale: "none", limit: 3 });
  assertEquals([raw.n, raw.classes!.length, raw.scaling.kind], [3, 3, "none"]);
  assertEquals(raw.data[3], 15);
  await assertRejects(
    () => loadDataset("optdigits", { classes: "x" }),
    TypeError,
    "has its own classes",
  );
  await assertRejects(() => loadDataset("optdigits", { limit: 0 }), RangeError, "limit is 0");
});

Deno.test("the same rows from every format are the same data set", async () => {
  const pixels = new Uint8Array([0, 255, 51, 102, 204, 153]);
  const scaled = Float32Array.from(pixels, (pixel) => Math.fround(pixel) / 255);
  const idx = encodeIdx(pixels, [2, 3]);
  const files: [string, Uint8Array][] = [
    ["a-idx2-ubyte", idx],
    ["a-idx2-ubyte.gz", await gzip(idx)],
    ["b-idx2-float", encodeIdx(scaled, [2, 3])],
    ["c.npy", encodeNpy(scaled, [2, 3])],
    ["c.npy.gz", await gzip(encodeNpy(scaled, [2, 3]))],
    ["d.csv", encode("x,y,z\n0,1,.2\n0.4,8e-1,0.6\n")],
    ["e.tsv", encode("0\t1\t.2\r\n0.4\t8e-1\t0.6")],
    ["f.txt", encode("# comment\n  0 1   .2\n\n 0.4  8e-1 0.6 \n")],
    ["g.data", encode("0;1;.2\n0.4;8e-1;0.6")],
  ];
  const digests = new Set<string>();
  for (const [name, bytes] of files) {
    const dataset = await load(name, bytes);
    assertEquals(dataset.data, scaled, name);
    assertEquals(dataset.name, name);
    digests.add(dataset.digest);
  }
  assertEquals(digests.size, 1);
});

Deno.test("the digest tells shapes and values apart, and ignores classes", async () => {
  const make = (shape: number[], values: number[], classes?: number[]) =>
    makeDataset({ type: "<f4", shape, values: Float32Array.from(values) }, {
      name: "x",
      ...(classes ? { classes: { classes: Uint32Array.from(classes) } } : {}),
    });
  const base = await make([2, 2], [1, 2, 3, 4]);
  assertEquals((await make([2, 2], [1, 2, 3, 4], [0, 1])).digest, base.digest);
  assert((await make([1, 4], [1, 2, 3, 4])).digest !== base.digest);
  assert((await make([2, 2], [1, 2, 3, 5])).digest !== base.digest);
});

Deno.test("shapes: images, channels of one, flattened rest, and too few dimensions", async () => {
  const make = (shape: number[]) =>
    makeDataset({ type: "<f4", shape, values: new Float32Array(24) }, { name: "x" });
  const extents = async (shape: number[]) => {
    const { n, d, height, width, channels } = await make(shape);
    return [n, d, height, width, ...channels === undefined ? [] : [channels]];
  };
  assertEquals(await extents([2, 12]), [2, 12, undefined, undefined]);
  assertEquals(await extents([2, 3, 4]), [2, 12, 3, 4]);
  assertEquals(await extents([2, 3, 4, 1]), [2, 12, 3, 4]);
  assertEquals(await extents([2, 1, 3, 4]), [2, 12, 3, 4]);
  assertEquals(await extents([2, 2, 2, 3]), [2, 12, 2, 2, 3]);
  assertEquals(await extents([2, 3, 2, 2]), [2, 12, undefined, undefined]);
  await assertRejects(() => make([24]), TypeError, "expected rows of shape [n, d]");
  await assertRejects(() => make([0, 3]), RangeError, "its shape is [0, 3]");
});

Deno.test("scaling: defaults, divisors, standard, and what is refused", async () => {
  const bytes = encodeIdx(new Uint8Array([0, 4, 8, 16]), [2, 2]);
  assertEquals((await load("x", bytes)).scaling, { kind: "divisor", divisor: 255 });
  assertEquals([...(await load("x", bytes, { scale: 16 })).data], [0, 0.25, 0.5, 1]);
  assertEquals([...(await load("x", bytes, { scale: "none" })).data], [0, 4, 8, 16]);
  const text = encode("0,4\n8,16");
  assertEquals((await load("x.csv", text)).scaling, { kind: "none" });
  assertEquals((await load("x.csv", text, { scale: "unit" })).scaling, {
    kind: "divisor",
    divisor: 16,
  });
  const standard = await load("x.csv", text, { scale: "standard" });
  assertEquals([...standard.data], [-1, -1, 1, 1]);
  assertEquals(describeScaling(standard.scaling), "standard");
  for (const scale of [0, -1, NaN, Infinity]) {
    await assertRejects(() => load("x", bytes, { scale }), RangeError, `scale is ${scale}`);
  }
  assertThrows(
    () => scaleRows(new Float32Array(1), 1, { scale: "max" as "unit" }),
    TypeError,
    'scale is "max"',
  );
});

Deno.test("scaling: raw rows are put on the scale of others by what is recorded of them", () => {
  const rows = Float32Array.of(0.1, 3, 7, 0.1, 5, 7, 0.1, 4, -1);
  for (const scale of ["none", "standard", 3] as const) {
    const expected = rows.slice();
    const recorded = JSON.parse(JSON.stringify(scaleRows(expected, 3, { scale })));
    const others = rows.slice();
    applyScaling(others, 3, recorded, others);
    assertEquals(others, expected);
    if (scale === "standard") {
      assertThrows(
        () => applyScaling(others, 9, recorded, others),
        RangeError,
        "these rows have 9",
      );
    }
  }
});

Deno.test("scaling: standard survives a large mean and a constant column", () => {
  const data = new Float32Array(2000);
  for (let i = 0; i < 1000; i++) {
    data[2 * i] = 1e6 + i % 2;
    data[2 * i + 1] = 0.1;
  }
  scaleRows(data, 2, { scale: "standard" });
  for (let i = 0; i < 1000; i++) {
    assertAlmostEquals(data[2 * i], i % 2 === 0 ? -1 : 1, 1e-6);
    assertEquals(data[2 * i + 1], 0);
  }
});

Deno.test("values that are not finite are counted, and the first is named", async () => {
  const rows = Float32Array.from([1, 2, 3, NaN, 5, -Infinity]);
  await assertRejects(
    () => load("x.npy", encodeNpy(rows, [3, 2])),
    RangeError,
    "x.npy: 2 values are not finite, the first at row 1, column 1 (from 0) (NaN)",
  );
  await assertRejects(
    () => load("x.csv", encode("1,2\n3,inf")),
    RangeError,
    "the value at row 1, column 1 (from 0) is Infinity",
  );
  const double = new Float64Array([1e300]);
  await assertRejects(
    () => makeDataset({ type: "<f8", shape: [1, 1], values: double }, { name: "x" }),
    RangeError,
    "1e+300, past the range of float32",
  );
});

Deno.test("idx: every type, big-endian", () => {
  const read = (type: number, bytes: number[]) =>
    decodeIdx(new Uint8Array([0, 0, type, 1, 0, 0, 0, 1, ...bytes]), "x").values[0];
  assertEquals(read(0x08, [200]), 200);
  assertEquals(read(0x09, [200]), -56);
  assertEquals(read(0x0b, [255, 254]), -2);
  assertEquals(read(0x0c, [0, 1, 0, 2]), 65538);
  assertEquals(read(0x0d, [0x3f, 0xc0, 0, 0]), 1.5);
  assertEquals(read(0x0e, [0xc0, 0x04, 0, 0, 0, 0, 0, 0]), -2.5);
});

Deno.test("npy: every type and version, both byte orders", () => {
  const npy = (descr: string, body: number[], version = 1, shape = "(1,)", order = "False") => {
    const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
    const length = version === 1 ? [header.length, 0] : [header.length, 0, 0, 0];
    const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0];
    return new Uint8Array([...magic, ...length, ...encode(header), ...body]);
  };
  const read = (...args: Parameters<typeof npy>) => decodeNpy(npy(...args), "x.npy").values[0];
  assertEquals(read("|b1", [1]), 1);
  assertEquals(read("|u1", [200]), 200);
  assertEquals(read("|i1", [200]), -56);
  assertEquals(read("<u2", [1, 2]), 513);
  assertEquals(read(">i2", [255, 254]), -2);
  assertEquals(read("<i4", [254, 255, 255, 255], 2), -2);
  assertEquals(read("<u4", [254, 255, 255, 255], 3), 4294967294);
  assertEquals(read("<i8", [254, 255, 255, 255, 255, 255, 255, 255]), -2);
  assertEquals(read(">u8", [0, 0, 0, 0, 0, 0, 1, 0]), 256);
  assertEquals(read("<f4", [0, 0, 0xc0, 0x3f]), 1.5);
  assertEquals(read(">f8", [0xc0, 0x04, 0, 0, 0, 0, 0, 0]), -2.5);
  assertEquals(decodeNpy(npy("|u1", [7], 1, "()"), "x").shape, []);
  const refused = (bytes: Uint8Array, error: new (m: string) => Error, message: string) =>
    assertThrows(() => decodeNpy(bytes, "x.npy"), error, message);
  refused(npy("<i8", [0, 0, 0, 0, 0, 0, 0, 127]), RangeError, "element 0 is 9151314442816847872");
  assertEquals(read("<f2", [0, 0x3e]), 1.5);
  assertEquals(read(">f2", [0xfb, 0xff]), -65504);
  const fortran = decodeNpy(npy("|u1", [1, 4, 2, 5, 3, 6], 1, "(2, 3)", "True"), "x");
  assertEquals([fortran.shape, [...fortran.values]], [[2, 3], [1, 2, 3, 4, 5, 6]]);
  const cube = decodeNpy(npy("|u1", [0, 4, 2, 6, 1, 5, 3, 7], 1, "(2, 2, 2)", "True"), "x");
  assertEquals([...cube.values], [0, 1, 2, 3, 4, 5, 6, 7]);
  refused(npy("|O", [0]), TypeError, "'|O' is not supported");
  refused(npy("<U3", Array(12).fill(0)), TypeError, "'<U3' is not supported");
  refused(npy("<f4", [0, 0, 0, 0], 4), SyntaxError, "version 4.0 is unknown");
  refused(npy("<f4", [0, 0, 0, 0], 1, "(x,)"), SyntaxError, "does not give descr");
  refused(npy("<f4", [0, 0, 0, 0], 1, "(1 1)"), SyntaxError, "not a list of integers");
});

Deno.test("npy: a file that NumPy wrote", () => {
  // numpy.save of numpy.arange(3, dtype='<f4')[None], NumPy 1.24.
  const header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
  const bytes = new Uint8Array(140);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  bytes.set(encode(`${header.padEnd(117)}\n`), 10);
  bytes.set(new Uint8Array(new Float32Array([0, 1, 2]).buffer), 128);
  assertEquals(encodeNpy(new Float32Array([0, 1, 2]), [1, 3]), bytes);
  const { shape, values } = decodeNpy(bytes, "x");
  assertEquals([[...shape], [...values]], [[1, 3], [0, 1, 2]]);
});

Deno.test("csv: numbers are parsed to the last bit", () => {
  const cells = ["0.1", "-12.75", "+3.", ".5e-3", "1e22", "123456789012345678", "-0", "4.9e-324"];
  const { values } = table(cells.join(",")).array;
  assertEquals([...values], cells.map(Number));
  for (const text of ["", "0x10", "1,5", "1_000", "e5", ".", "+", "--1", "1e", "NaN1", "½"]) {
    assertEquals(parseReal(text), undefined, text);
  }
  assertEquals(parseReal("-INF"), -Infinity);
  assertEquals(parseReal("nan"), NaN);
});

Deno.test("csv: header, separators, quotes and the class column", () => {
  const iris = table('"a, b","c",kind\n5.1,"3.5",Iris "x"\n4.9,3,"Iris ""y"""\n', {
    classColumn: "last",
  });
  assertEquals(iris.columns, ["a, b", "c"]);
  assertEquals(iris.classes, ['Iris "x"', 'Iris "y"']);
  assertEquals([...iris.array.values], [5.1, 3.5, 4.9, 3]);
  assertEquals(table("1,2\n3,4").columns, undefined);
  assertEquals(table("1,2\n3,4", { header: true }).columns, ["1", "2"]);
  assertEquals(table("\ufeff1 2\r3 4\r").array.shape, [2, 2]);
  assertEquals(table("7;1\n8;2", { classColumn: "first" }).classes, ["7", "8"]);
  assertEquals(table("7;1;3\n8;2;4", { classColumn: 1 }).classes, ["1", "2"]);
  assertEquals(table("1|2".replace("|", "\t")).array.shape, [1, 2]);
});

Deno.test("csv: names of rows, above which the line of names has no cell", () => {
  const written = '"a" "b" "kind"\n"r1" 1 2 "x"\n"2" 3 4 "y"\n';
  const named = table(written, { classColumn: "last" });
  assertEquals(named.columns, ["a", "b"]);
  assertEquals(named.ids, ["r1", "2"]);
  assertEquals(named.classes, ["x", "y"]);
  assertEquals([...named.array.values], [1, 2, 3, 4]);
  assertEquals(named.notes.filter((note) => note.includes("names of the rows")).length, 1);
  const numbered = "a,b\n1,5.5,6\n2,7.5,8\n";
  assertEquals([...table(numbered).array.values], [5.5, 6, 7.5, 8]);
  assertEquals(table(numbered, { idColumn: "b" }).columns, ["a"]);
  assertEquals(table(numbered, { classColumn: "first", ignore: ["a"] }).classes, ["1", "2"]);
  const refused = (text: string, message: string, options?: TableOptions) =>
    assertThrows(() => table(text, options), SyntaxError, message);
  // A cell too many at the end, values for names, or a first column of values.
  refused("a,b\n1,2,\n", "line 2 has 3 columns, expected 2 as on line 1");
  refused("1,2\n1,2,3\n", "line 2 has 3 columns, expected 2 as on line 1");
  refused("a,b\n1.5,2,3\n", "line 2 has 3 columns, expected 2 as on line 1");
  refused("a,b\n,2,3\n", "line 2 has 3 columns, expected 2 as on line 1");
  refused("a\n\ufeff\t2\n", "line 2 has 2 columns, expected 1 as on line 1");
  refused("a,b\n1,2,3\n", 'line 1, column 0: "a" is not a number', { header: false });
  refused("a,b\n1,2,3\n4,5\n", "line 3 has 2 columns, expected 3 as on line 2");
});

Deno.test("csv: what is wrong is said with line and column", () => {
  const refused = (text: string, message: string, options?: TableOptions) =>
    assertThrows(() => table(text, options), SyntaxError, message);
  refused("", "the file is empty");
  refused("\n\n# only a comment\n", "it holds no rows");
  refused("x,y\n", "column names and no rows");
  refused("1,2\n3\n", "line 2 has 1 columns, expected 2 as on line 1");
  refused("1,2\n\n3,4,5\n", "line 3 has 3 columns, expected 2");
  refused("1,2\n3,abc\n", 'line 2, column 1: "abc" is not a number');
  refused("1,x\n3,4\n", 'line 1, column 1: "x" is not a number');
  refused("x,y\n1,2\n", 'line 1, column 0: "x" is not a number', { header: false });
  refused("?,NA\n3,4\n", 'line 1, column 0: "?" is not a number');
  refused("1,\n3,4\n", "line 1, column 1: the cell is empty");
  refused("1,2\n,\n", "line 2, column 0: the cell is empty");
  refused("1\t2\n\t\n", "line 2, column 0: the cell is empty");
  refused('1,"2\n3,4', "line 1: a quote is not closed");
  refused('1,"2"3\n', "line 1: text follows the closing quote of column 1");
  refused("1,5;2,5\n", '"1,5" is not a number');
  refused("1,2\n3,\n", "line 2, column 1: the class is empty", { classColumn: "last" });
  refused("1,2\0\n", "neither text nor");
  assertThrows(() => table("1,2", { classColumn: 2 }), RangeError, "no class column 2");
  assertThrows(() => table("1\n2", { classColumn: "last" }), RangeError, "only column");
});

Deno.test("classes: IDX, NPY, text, class names", async () => {
  const read = async (text: string | Uint8Array, name = "l.txt") => {
    const { classes, classNames } = await decodeClasses(
      typeof text === "string" ? encode(text) : text,
      name,
    );
    return [[...classes], classNames];
  };
  assertEquals(await read("3\n1\n2.0\n"), [[3, 1, 2], undefined]);
  assertEquals(await read("class\n3\n1\n"), [[3, 1], undefined]);
  assertEquals(await read("cat\ndog\ncat\n"), [[0, 1, 0], ["cat", "dog"]]);
  assertEquals(await read("-1\n1\n-1\n"), [[0, 1, 0], ["-1", "1"]]);
  assertEquals(await read(encodeIdx(new Uint8Array([4, 2]), [2])), [[4, 2], undefined]);
  assertEquals(await read(encodeNpy(new Uint32Array([4, 2]), [2, 1])), [[4, 2], undefined]);
  const large = (values: number[]) =>
    classesOfArray({ type: "<i8", shape: [2], values: Float64Array.from(values) }, "l.npy");
  assertEquals(large([5e12, 7]).classNames, ["5000000000000", "7"]);
  assertThrows(() => large([7, 2 ** 53]), RangeError, "of row 1 is past 2^53");
  await assertRejects(() => read("1\n0.37\n"), RangeError, "class 0.37 of row 1");
  assertEquals(await read("0.0\nnan\n1.0\n"), [[0, 1, 2], ["0.0", "nan", "1.0"]]);
  // As pandas writes a missing value in a column of its own.
  await assertRejects(() => read('cat\n""\ndog\n'), SyntaxError, "line 2, column 0: the class is");
  await assertRejects(() => read("1 2\n"), SyntaxError, "line 1 has 2 columns, expected one class");
  await assertRejects(
    () => read(encodeNpy(new Float32Array([1, -1.5]), [2])),
    RangeError,
    "class -1.5 of row 1",
  );
  await assertRejects(
    () => read(encodeIdx(new Uint8Array(4), [2, 2])),
    TypeError,
    "classes have shape [2, 2]",
  );
  assertThrows(() => parseClassLines(encode("#\n"), "l"), SyntaxError, "it holds no classes");
});

Deno.test("classes beside a file: read, counted, or from its column", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/x.csv`, "1,2\n3,4\n5,6\n");
    await Deno.writeTextFile(`${folder}/y.txt`, "b\na\nb\n");
    await Deno.writeTextFile(`${folder}/short.txt`, "0\n1\n");
    const x = `${folder}/x.csv`;
    const named = await loadDataset(x, { classes: `${folder}/y.txt`, limit: 2 });
    assertEquals([[...named.classes!], named.classNames, named.n], [[0, 1], ["b", "a"], 2]);
    const column = await loadDataset(x, { table: { classColumn: "last" } });
    assertEquals([[...column.classes!], column.d], [[2, 4, 6], 1]);
    assertEquals((await loadDataset(x)).classes, undefined);
    await assertRejects(
      () => loadDataset(x, { classes: `${folder}/short.txt` }),
      RangeError,
      "expected 3 classes, one a row, found 2",
    );
    await Deno.writeTextFile(`${folder}/y.csv`, "id,kind\n7,b\n8,a\n9,b\n");
    const beside = await loadDataset(x, {
      classes: `${folder}/y.csv`,
      table: { classColumn: "kind" },
    });
    assertEquals([[...beside.classes!], beside.classNames, beside.d], [[0, 1, 0], ["b", "a"], 2]);
    assertEquals(beside.notes, []);
    await assertRejects(
      () => loadDataset(x, { classes: `${folder}/none.txt` }),
      Deno.errors.NotFound,
      "none.txt: there is no such file",
    );
  });
});

Deno.test("a class column beside a file of classes is that file's, and never learned", async () => {
  await inFolder(async (folder) => {
    const write = (name: string, text: string) => Deno.writeTextFile(`${folder}/${name}`, text);
    await write("x.csv", "a,b,y\n1,2,0\n3,4,1\n5,6,0\n");
    await write("y.txt", "b\na\nb\n");
    await write("y.csv", "id,y\n7,b\n8,a\n9,b\n");
    await Deno.writeFile(`${folder}/y.npy`, encodeNpy(Uint32Array.of(0, 1, 0), [3]));
    const load = (classes: string, classColumn: string | number, ignore: string[] = []) =>
      loadDataset(`${folder}/x.csv`, {
        classes: `${folder}/${classes}`,
        table: { classColumn, ...ignore.length > 0 && { ignore } },
      });
    const refused: [
      classes: string,
      column: string | number,
      error: typeof TypeError,
      message: string,
    ][] = [
      ["y.txt", "y", RangeError, 'y.txt: it has one column, and that is not called "y"; --class-'],
      ["y.txt", "last", RangeError, "y.txt: it has one column; --class-column beside --classes is"],
      ["y.txt", 0, RangeError, "of this file, and without --classes for one of the rows"],
      ["y.npy", "y", TypeError, "y.npy: it is an array of classes, and --class-column beside"],
      ["y.csv", "nosuch", RangeError, "there is no class column nosuch, the columns are id, y"],
      ["y.csv", "y", RangeError, 'x.csv: it has a column "y" too, and --class-column beside'],
    ];
    for (const [classes, column, error, message] of refused) {
      await assertRejects(() => load(classes, column), error, message);
    }
    const { d, classNames, notes } = await load("y.csv", "y", ["y"]);
    assertEquals([d, classNames, notes], [2, ["b", "a"], []]);
    const last = await load("y.csv", "last");
    assertEquals([last.d, last.classNames], [3, ["b", "a"]]);
    assertEquals(last.notes.length, 1);
    assert(last.notes[0].includes("--classes is a column of y.csv: last; all columns here"));
  });
});

Deno.test("files that cannot be read say so, and why", async () => {
  const idx = encodeIdx(new Uint8Array(12), [3, 2, 2]);
  const gz = await gzip(idx);
  const longer = new Uint8Array([...idx, 0]);
  const flipped = gz.map((byte, i) => i === gz.length - 6 ? byte ^ 1 : byte);
  const cases: [string, Uint8Array, string][] = [
    ["a-idx3-ubyte", idx.subarray(0, 20), "expected 28 bytes for shape [3, 2, 2], found 20"],
    ["a-idx3-ubyte", longer, "expected 28 bytes for shape [3, 2, 2], found 29: bytes follow"],
    ["a-idx3-ubyte", encode("hello"), "wrong IDX magic number 68 65 6c 6c"],
    ["a-idx3-ubyte", idx.map((byte, i) => i === 2 ? 0x0a : byte), "magic number 00 00 0a 03"],
    ["a.idx3", idx.subarray(0, 7), "expected 16 bytes of IDX header for 3 dimensions, found 7"],
    ["a.gz", gz.subarray(0, 15), "gzip stream is damaged or cut short"],
    ["a.gz", flipped, "gzip stream is damaged or cut short"],
    ["a.gz", new Uint8Array([...gz, 1]), "gzip stream is damaged or cut short"],
    ["a.npy", encode("1,2\n"), "does not begin with the bytes 93 4e"],
    ["a.npz", new Uint8Array([0x50, 0x4b, 3, 4, 0]), "its ZIP archive is damaged or cut short"],
    ["a.h5", new Uint8Array([0x89, 0x48, 0x44, 0x46, 13]), "HDF5 is not supported"],
    ["a.bin", new Uint8Array([9, 0, 255, 3]), "neither text nor of a known binary format"],
    ["a.bin", new Uint8Array(0), "the file is empty"],
    ["a.gz", await gzip(new Uint8Array(0)), "the file is empty"],
  ];
  for (const [name, bytes, message] of cases) {
    const error = await assertRejects(() => load(name, bytes), SyntaxError, message);
    assert(error.message.startsWith("Cannot read /"), error.message);
  }
  const huge = new Uint8Array([0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255]);
  await assertRejects(() => load("x", huge), SyntaxError, "expected 18446744065119617000 bytes");
  await assertRejects(
    () => decodeRows(idx, "x", { classColumn: 0 }),
    TypeError,
    "--class-column is for tables",
  );
  await assertRejects(
    () => loadDataset("no/such/file"),
    Deno.errors.NotFound,
    "no such file, and no data set of that name (optdigits, mnist, mnist-test, usps",
  );
  await inFolder(async (folder) => {
    await assertRejects(() => loadDataset(folder), TypeError, "it is a folder");
  });
  await assertRejects(
    () => loadDataset("no/such/file", { signal: AbortSignal.abort() }),
    DOMException,
  );
});

/** Runs `body` with a cache that holds nothing, whatever this machine's user has fetched. */
async function withoutCache(body: (folder: string) => Promise<void>): Promise<void> {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  await inFolder(async (folder) => {
    Deno.env.set("XDG_CACHE_HOME", `${folder}/cache`);
    try {
      await body(folder);
    } finally {
      if (cache === undefined) Deno.env.delete("XDG_CACHE_HOME");
      else Deno.env.set("XDG_CACHE_HOME", cache);
    }
  });
}

Deno.test("named sets: not there, not what was published, listed", async () => {
  await withoutCache(async (folder) => {
    await assertRejects(
      () => loadDataset("fashion-mnist", { dataDir: `${folder}/void` }),
      Deno.errors.NotFound,
      `not in ${folder}/void/fashion-mnist, nor in ${folder}/void, nor in ${folder}/cache/dynae/`,
    );
    const error = await assertRejects(() => loadDataset("usps", { dataDir: folder }));
    assert((error as Error).message.includes("data fetch usps"));
    const usps = findNamedSet("usps")!;
    const name = usps.parts[0].images.name;
    await Deno.writeFile(`${folder}/${name}`, new Uint8Array(usps.parts[0].images.bytes));
    await assertRejects(
      () => loadDataset("usps", { dataDir: folder }),
      RangeError,
      "its content has SHA-256",
    );
    await Deno.writeFile(`${folder}/${name}`, new Uint8Array(100));
    await assertRejects(
      () => loadDataset("usps", { dataDir: folder }),
      RangeError,
      "expected 7466000 uncompressed bytes, found 100",
    );
    const rows = await listDatasets({ dataDir: folder });
    assertEquals(rows.map(({ set }) => set), [...NAMED_SETS]);
    assertEquals(rows.map(({ location }) => location), ["ships", ...Array(4).fill(undefined)]);
    const mnist = findNamedSet("mnist-test")!;
    await Deno.mkdir(`${folder}/cache/dynae/mnist`, { recursive: true });
    for (const { name } of [mnist.parts[0].images, mnist.parts[0].classes]) {
      await Deno.writeFile(`${folder}/cache/dynae/mnist/${name}`, new Uint8Array(1));
    }
    const found = await listDatasets();
    assertEquals(found.map(({ location }) => location).slice(1, 3), [
      undefined,
      `${folder}/cache/dynae/mnist`,
    ]);
  });
});

Deno.test("named sets: the table is consistent", () => {
  for (const set of NAMED_SETS) {
    const pixels = set.height * set.width;
    const elementBytes = set.name === "usps" ? 4 : 1;
    const images = set.parts.reduce((sum, part) => sum + part.images.bytes - 16, 0);
    const classes = set.parts.reduce((sum, part) => sum + part.classes.bytes - 8, 0);
    assertEquals([images, classes], [set.n * pixels * elementBytes, set.n]);
    assertEquals(set.classNames?.length ?? set.classCount, set.classCount);
    assertEquals(sourcesOf(set).length > 0, !set.ships);
  }
});

/** The set that ships, as if it had to be fetched. */
const REMOTE: NamedSet = { ...findNamedSet("optdigits")!, folder: "remote", ships: false };
const SHIPPED = new URL("../datasets/optdigits/", import.meta.url);

Deno.test("fetch: passes over failing sources, verifies, writes, and finds it again", async () => {
  const requests: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const path = new URL(request.url).pathname;
    requests.push(path);
    const name = path.split("/").at(-1)!;
    const file = () => Deno.readFileSync(new URL(name, SHIPPED));
    if (path.startsWith("/down")) return new Response("busy", { status: 503 });
    if (path.startsWith("/other")) return new Response("<html>moved</html>");
    if (path.startsWith("/cut")) return new Response(file().subarray(0, 100));
    if (path.startsWith("/endless")) return new Response(new Uint8Array(2 ** 20));
    return new Response(file());
  });
  const base = `http://127.0.0.1:${server.addr.port}`;
  const mirrors = (...names: string[]) => names.map((name) => mirrorSource(`${base}/${name}`));
  await inFolder(async (dir) => {
    const error = await assertRejects(
      () => fetchSet(REMOTE, { dir, sources: mirrors("down", "other", "cut", "endless") }),
      AggregateError,
      "4 sources were tried",
    );
    assertEquals(error.errors.length, 4);
    for (
      const reason of ["status 503", "found 18", "damaged or cut short", "larger than the 310224"]
    ) {
      assert(error.message.includes(reason), error.message);
    }
    assertEquals((await Array.fromAsync(Deno.readDir(`${dir}/remote`))).length, 0);

    const seen = new Map<string, number>();
    const absent = folderSource(`${dir}/absent`);
    const sources: Source[] = [absent, ...mirrors("down", "cut", "good")];
    const fetched = await fetchSet(REMOTE, {
      dir,
      sources,
      onProgress: ({ file, received }) => seen.set(file, received),
    });
    assertEquals(fetched.folder, `${dir}/remote`);
    assertEquals(fetched.files.length, 4);
    assert(fetched.files.every(({ source }) => source?.startsWith(`${base}/good/`)));
    assertEquals(seen.get("test-labels-idx1-ubyte"), 145);

    // One file is damaged: it alone is fetched again, here from a folder.
    await Deno.writeFile(fetched.files[2].path, new Uint8Array(5));
    requests.length = 0;
    const folder = decodeURIComponent(SHIPPED.pathname);
    const again = await fetchSet(REMOTE, { dir, sources: [folderSource(folder)] });
    assertEquals(again.files.map(({ source }) => source !== undefined), [
      false,
      false,
      true,
      false,
    ]);
    assertEquals(requests, []);
    const read = async ({ name }: { name: string }) => {
      const where = `${dir}/remote/${name}.gz`;
      return { bytes: await Deno.readFile(where), where };
    };
    const dataset = await assembleNamedSet(REMOTE, read);
    assertEquals(dataset.digest, (await loadDataset("optdigits")).digest);
  });
});

Deno.test("fetch: stops when aborted, refuses unknown names, needs nothing for optdigits", async () => {
  const controller = new AbortController();
  const hanging: Source = {
    name: "hanging",
    read: (_file, { signal }) =>
      new Promise((_resolve, reject) => {
        signal!.addEventListener("abort", () => reject(signal!.reason));
        controller.abort(new Error("enough"));
      }),
  };
  await inFolder(async (dir) => {
    const options = { dir, sources: [hanging, hanging], signal: controller.signal };
    await assertRejects(() => fetchSet(REMOTE, options), Error, "enough");
  });
  await assertRejects(() => fetchDataset("imagenet"), RangeError, "expected one of optdigits,");
  assertEquals((await fetchDataset("optdigits")).files, []);
});

Deno.test("usps: a zip-code text becomes IDX", async () => {
  const line = (digit: string, value: string) => `${digit} ${Array(256).fill(value).join(" ")} \n`;
  const { images, classes } = zipCodeToIdx(
    encode(line("6.0000", "-1.0000") + line("5.0000", "0.8620")),
    "zip.train",
  );
  const { shape, values } = decodeIdx(images, "images");
  assertEquals(shape, [2, 16, 16]);
  assertEquals([values[0], values[256]], [0, (Math.fround(0.862) + 1) / 2].map(Math.fround));
  assertEquals([...decodeIdx(classes, "classes").values], [6, 5]);
  assertThrows(() => zipCodeToIdx(encode("6 1 2 3\n"), "z"), SyntaxError, "found 3 values");
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async () => new Response(await gzip(encode(line("1.0000", "0.0000"))) as BodyInit),
  );
  const source = zipCodeSource(`http://127.0.0.1:${server.addr.port}`);
  const { bytes, where } = await source.read(findNamedSet("usps")!.parts[1].images, {});
  assertEquals(decodeIdx(bytes, where).values[0], 0.5);
  assert(where.endsWith("/zip.test.gz"));
});

const COUNTS: Record<string, number[]> = {
  mnist: [6903, 7877, 6990, 7141, 6824, 6313, 6876, 7293, 6825, 6958],
  "mnist-test": [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
  usps: [1553, 1269, 929, 824, 852, 716, 834, 792, 708, 821],
  "fashion-mnist": Array(10).fill(7000),
};

for (const [name, counts] of Object.entries(COUNTS)) {
  Deno.test({
    name: `real data: ${name}`,
    ignore: DATA === undefined,
    async fn() {
      const dataset = await loadDataset(name, REAL);
      const set = findNamedSet(name)!;
      assertEquals([dataset.n, dataset.d], [set.n, set.height * set.width]);
      assertEquals([...classCounts(dataset.classes!).values()], counts);
      const range = [Infinity, -Infinity];
      for (const value of dataset.data) {
        if (value < range[0]) range[0] = value;
        if (value > range[1]) range[1] = value;
      }
      assertEquals(range, [0, 1]);
    },
  });
}

Deno.test({
  name: "real data: USPS from text of three decimals is that of the IDX files, bit for bit",
  ignore: DATA === undefined,
  async fn() {
    const usps = await loadDataset("usps", REAL);
    let first = 0;
    for (const part of findNamedSet("usps")!.parts) {
      const n = part.classes.bytes - 8;
      const lines: string[] = [];
      for (let i = first; i < first + n; i++) {
        const pixels = usps.data.subarray(256 * i, 256 * (i + 1));
        const values = Array.from(pixels, (pixel) => (2 * pixel - 1).toFixed(3) + "0");
        lines.push(`${usps.classes![i].toFixed(4)} ${values.join(" ")}`);
      }
      const { images, classes } = zipCodeToIdx(encode(lines.join("\n")), "zip");
      assertEquals(await sha256(images), part.images.sha256);
      assertEquals(await sha256(classes), part.classes.sha256);
      first += n;
    }
  },
});
