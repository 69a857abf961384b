/** Tables as people have them: each test is a situation that once gave wrong answers. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { readPng } from "../cli/images.ts";
import { parseTable, type TableOptions } from "../datasets/csv.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { decodeClasses } from "../datasets/decode.ts";
import { encodeIdx } from "../datasets/idx.ts";
import { loadDataset, type LoadOptions } from "../datasets/load.ts";
import { openDataset } from "../datasets/row_file.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { KMeans } from "../models/kmeans_estimator.ts";
import { score } from "../models/evaluation/scoring.ts";
import { pngOf, zipOf } from "./archives.ts";
import { inFolder, rowsAndLabels, run } from "./command_line.ts";

const random = new RandomStream(5, 1);

/** Rows about K centres, in turn: values [n, d] and classes [n]. */
function blobs(n: number, centers: readonly (readonly number[])[], spread: number) {
  const values = Array.from(
    { length: n },
    (_, i) =>
      centers[i % centers.length].map((center) =>
        center + spread * (random.uniform() + random.uniform() - 1)
      ),
  ).flat();
  const classes = Uint32Array.from({ length: n }, (_, i) => i % centers.length);
  return { values, classes, n, d: centers[0].length };
}

/** Σ of squared distances to the means of the classes, in float64. */
function inertiaOf(values: ArrayLike<number>, d: number, classes: Uint32Array): number {
  const rows = (k: number) => [...classes.keys()].filter((i) => classes[i] === k);
  return [...new Set(classes)].map((k) => {
    const members = rows(k);
    return Array.from({ length: d }, (_, j) => {
      const column = members.map((i) => values[i * d + j]);
      const mean = column.reduce((a, b) => a + b) / column.length;
      return column.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    }).reduce((a, b) => a + b);
  }).reduce((a, b) => a + b);
}

for (
  const [name, centers, spread] of [
    ["degrees", [[48.137, 11.575], [48.138, 11.576], [48.136, 11.577]], 2e-4],
    ["UTM metres", [[691_600, 5_334_700], [691_700, 5_334_800], [691_500, 5_334_900]], 20],
    ["squares past float32", [[1e30, 3e30], [-2e30, 3e30], [1e30, -1e30]], 1e29],
    ["squares below float32", [[1e-30, 3e-30], [-2e-30, 3e-30], [1e-30, -1e-30]], 1e-31],
  ] as const
) {
  Deno.test(`k-means: ${name} give the inertia of float64, and predict agrees`, async () => {
    const { values, classes, n, d } = blobs(3000, centers, spread);
    const data = Float32Array.from(values);
    const backend = await openCpuBackend({ threads: 1 });
    try {
      const model = new KMeans({ clusters: 3, nInit: 3 });
      const { labels, history, nIter, clusterCenters } = await model.fit({ data, n, d }, {
        backend,
      });
      assertEquals(score(classes, labels).ari, 1);
      assert(nIter < 10);
      const expected = inertiaOf(data, d, classes);
      const found = Number(history.at(-1)!.inertia);
      assert(Math.abs(found - expected) < 1e-4 * expected, `${found}, expected ${expected}`);
      assertEquals(await model.predict({ data, n, d }), labels);
      for (const [k, center] of centers.entries()) {
        const at = labels[k] * d;
        center.forEach((x, j) => assert(Math.abs(clusterCenters[at + j] - x) < spread / 2));
      }
      await model.dispose();
    } finally {
      await backend.dispose();
    }
  });
}

const encode = (text: string) => new TextEncoder().encode(text);
/** Lines of cells. */
const csv = (rows: readonly (readonly (string | number)[])[], header?: string) =>
  `${[...header === undefined ? [] : [header], ...rows.map((row) => row.join(","))].join("\n")}\n`;
/** An NPY file of any element type. */
function npy(descr: string, shape: string, body: Uint8Array, fortran = false): Uint8Array {
  const order = fortran ? "True" : "False";
  const header = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0];
  return new Uint8Array([...magic, ...encode(header), ...body]);
}

/** Loads a file of these bytes. */
async function load(
  name: string,
  content: string | Uint8Array,
  options: LoadOptions = {},
  beside: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<Dataset> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [file, bytes] of Object.entries({ ...beside, [name]: content })) {
      await Deno.writeFile(`${folder}/${file}`, typeof bytes === "string" ? encode(bytes) : bytes);
    }
    const { classes, ...others } = options;
    const at = classes === undefined ? {} : { classes: `${folder}/${classes}` };
    return await loadDataset(`${folder}/${name}`, { ...others, ...at });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A note that says this. */
function assertNoted({ notes }: Dataset, text: string): void {
  assert(notes.some((note) => note.includes(text)), `${text} is not in ${notes.join("\n")}`);
}

/** The notes on rows that stay in their file, as they are and standardised. */
async function streamedNotes(bytes: Uint8Array | string): Promise<(readonly string[])[]> {
  const file = await Deno.makeTempFile({ suffix: ".npy" });
  try {
    await Deno.writeFile(file, typeof bytes === "string" ? encode(bytes) : bytes);
    return await Promise.all((["none", "standard"] as const).map(async (scale) => {
      const { data, notes } = await openDataset(file, { scale });
      data.close();
      return notes;
    }));
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("Unix time: statistics in float64, and a note where float32 merges values", async () => {
  const rows = [0, 1, 2, 3].map((i) => [1700000000 + i, i / 4]);
  const text = csv(rows, "time,x");
  assertNoted(await load("t.csv", text), "cannot tell values of column 0 (time) apart");
  const doubles = npy("<f8", "(4, 2)", new Uint8Array(Float64Array.from(rows.flat()).buffer));
  for (const [name, bytes] of [["t.csv", text], ["t.npy", doubles]] as const) {
    const trained = await load(name, bytes, { scale: "standard" });
    const { data, notes } = trained;
    const expected = [-1.5, -0.5, 0.5, 1.5].map((x) => Math.fround(x / Math.sqrt(1.25)));
    assertEquals([...data].filter((_, i) => i % 2 === 0), expected, name);
    assertEquals(notes, []);
    if (name === "t.npy") {
      const [streamed, standard] = await streamedNotes(bytes);
      assert(streamed.some((note) => note.includes("cannot tell values of column 0 apart")));
      assertEquals(standard, []);
    }
    // Other rows are put there in float64 as well.
    const later = await load("t.csv", "time,x\n1700000002,0.5\n", { trained });
    assertEquals([...later.data], [expected[2], expected[2]]);
  }
});

Deno.test("counts of 32 and 64 bits: --scale unit divides by the largest of them", async () => {
  const body = new Uint8Array(BigInt64Array.of(0n, 4n, -8n, 16n).buffer);
  const { data, scaling } = await load("x.npy", npy("<i8", "(2, 2)", body), { scale: "unit" });
  assertEquals([[...data], scaling], [[0, 0.25, -0.5, 1], { kind: "divisor", divisor: 16 }]);
  const bytes = npy("<u2", "(1, 2)", Uint8Array.of(255, 255, 0, 0));
  assertEquals((await load("y.npy", bytes, { scale: "unit" })).scaling, {
    kind: "divisor",
    divisor: 65535,
  });
});

Deno.test("--scale auto: columns of different range are standardised, bytes and images not", async () => {
  const wide = csv([[1e4, 0.1, 7], [-2e4, -0.1, 7], [3e4, 0.2, 7]], "a,b,c");
  const auto = await load("w.csv", wide, { scale: "auto" });
  assertEquals(auto.scaling.kind, "standard");
  assertNoted(auto, "are standardised");
  assertEquals([auto.data[2], auto.data[5]], [0, 0], "a constant column is harmless");
  assertNoted(await load("w.csv", wide), "column 0 (a) ranges from -20000 to 30000");
  assertNoted(await load("w.csv", wide), "--scale standard");
  const narrow = await load("n.csv", csv([[1, 0.5], [2, -1], [3, 1]], "a,b"), { scale: "auto" });
  assertEquals([narrow.scaling.kind, narrow.notes.length], ["none", 1]);
  const bytes = npy("|u1", "(2, 3)", Uint8Array.of(0, 255, 1, 3, 200, 1));
  assertEquals((await load("b.npy", bytes, { scale: "auto" })).scaling, {
    kind: "divisor",
    divisor: 255,
  });
  const images = npy("<f4", "(2, 1, 2)", new Uint8Array(Float32Array.of(0, 1e4, 0, 1).buffer));
  assertEquals((await load("i.npy", images, { scale: "auto" })).scaling, { kind: "none" });
});

Deno.test("rows that were scaled already, or are far outside, are refused or noted", async () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => i % 17);
  const trained = await load("u1.npy", npy("|u1", "(16, 4)", bytes));
  assertEquals(trained.schema.range, [0, 16]);
  const scaled = Float32Array.from(bytes, (x) => x / 255);
  const later = npy("<f4", "(16, 4)", new Uint8Array(scaled.buffer));
  await assertRejects(() => load("f4.npy", later, { trained }), RangeError, "are expected raw");
  assertEquals((await load("u1.npy", npy("|u1", "(16, 4)", bytes), { trained })).notes, []);
  const raw = csv([[100, 1], [120, 2], [110, 3]], "a,b");
  const table = await load("t.csv", raw, { scale: "standard" });
  assertEquals((await load("t.csv", raw, { trained: table })).notes, []);
  const far = await load("s.csv", csv([[-1, -1], [1, 0], [0, 1]], "a,b"), { trained: table });
  assertNoted(far, "column a holds -1 to 1, in the training it held 100 to 120");
  const four = await load("w.csv", csv([[1, 1, 1, 1], [2, 2, 2, 2]], "a,b,c,d"));
  const wide = csv([[90, 90, 90, 90], [91, 91, 91, 91]], "a,b,c,d");
  const away = await load("v.csv", wide, { trained: four });
  assertNoted(away, "1 more column is as far outside");
});

Deno.test("columns are put in the training's order by name, or refused", async () => {
  const trained = await load("t.csv", "size,height\n1,10\n2,20\n3,40\n");
  const swapped = await load("s.csv", "height,kind,size\n10,a,1\n20,b,2\n", { trained });
  assertEquals([...swapped.data], [1, 10, 2, 20]);
  const missing = load("s.csv", "size,width\n1,2\n", { trained });
  await assertRejects(() => missing, RangeError, 'there is no column "height"');
  await assertRejects(
    () => load("s.csv", "1,2,3\n", { trained }),
    RangeError,
    "3 columns of values",
  );
});

Deno.test("columns of one name are told apart, and are not those of another table", async () => {
  const trained = await load("t.csv", "x,x,x.1\n1,10,5\n2,20,6\n");
  assertEquals(trained.schema.columns!.map(({ name }) => name), ["x", "x.2", "x.1"]);
  assertEquals(trained.notes, ['several columns are called "x": column 1 is x.2']);
  const again = await load("t.csv", "x,x,x.1\n1,10,5\n2,20,6\n", { trained });
  assertEquals([...again.data], [...trained.data]);
  await assertRejects(
    () => load("s.csv", "x,w,x.1\n1,10,5\n", { trained }),
    RangeError,
    'there is no column "x.2"',
  );
});

Deno.test("headers: names that begin with digits, and numbers that pandas writes", () => {
  const read = (text: string, options: TableOptions = {}) =>
    parseTable(encode(text), "t.csv", options);
  const pixels = read("label,1x1,1x2\n2,227,192\n1,3,4\n", { classColumn: "first" });
  assertEquals([pixels.columns, pixels.classes], [["1x1", "1x2"], ["2", "1"]]);
  const plain = read("0,1,2\n.5,.25,1\n3,4,5\n");
  assertEquals([plain.array.shape, plain.notes.length], [[2, 3], 1]);
  const labelled = read("0,1,2,label\n5,6,7,0\n3,4,5,1\n", { classColumn: "last" });
  assertEquals([labelled.columns, labelled.classes], [["0", "1", "2"], ["0", "1"]]);
  const word = read("10,20,class\n5,6,0\n", { classColumn: "last" });
  assertEquals([word.columns, word.classes], [["10", "20"], ["0"]]);
  assertEquals(read("0,1,2\n3,4,5\n", { header: false }).array.shape, [2, 3]);
  assertEquals(read("0,1\n2,3\n").array.shape, [2, 2]);
  assertEquals(read("0,1\n.2,.3\n").array.shape, [1, 2]);
});

Deno.test("comments stand above the table only", () => {
  const table = parseTable(encode("# made by us\ntag,x\n#one,1\n#two,2\nthree,3\n#one,4\n"), "t", {
    classColumn: "tag",
  });
  assertEquals(table.classes, ["#one", "#two", "three", "#one"]);
});

Deno.test("columns that count the rows are noticed, and columns can be left out", async () => {
  const rows = Array.from({ length: 12 }, (_, i) => [(5 * i) % 12, i / 8, -i / 4, i % 3]);
  const text = csv(rows, ",a,b,cls");
  const table = { classColumn: "cls" } as const;
  assertNoted(await load("t.csv", text, { table }), "column 0 counts the rows");
  const expected = rows.flatMap(([_, a, b]) => [a, b]);
  for (
    const chosen of [{ idColumn: 0 }, { ignore: [""] }, { columns: ["a", 2] }, {
      ignore: [0],
    }] as const
  ) {
    const found = await load("t.csv", text, { table: { ...table, ...chosen } });
    assertEquals([[...found.data], [...found.classes!], found.notes], [
      expected,
      rows.map((row) => row[3]),
      [],
    ]);
  }
  const refused = (chosen: TableOptions, message: string) =>
    assertThrows(() => parseTable(encode(text), "t", chosen), RangeError, message);
  refused({ ignore: ["c"] }, "there is no column c, the columns are , a, b, cls");
  refused({ classColumn: "kind" }, "there is no class column kind");
  refused({ ignore: [4] }, "there is no column 4, the columns are 0 to 3");
  refused({ ignore: [0, 1, 2, 3] }, "no columns of values are left");
});

Deno.test("missing values: refused with a remedy, dropped, or filled as the training was", async () => {
  const text = "a,b\n1,10\n,20\n3,NA\n8,60\n";
  await assertRejects(() => load("t.csv", text), SyntaxError, "line 3, column 0 (a)");
  await assertRejects(() => load("t.csv", text), SyntaxError, "--missing drop, mean or median");
  const classes = "y.txt";
  const beside = { [classes]: "0\n1\n2\n3\n" };
  const dropped = await load("t.csv", text, { missing: "drop", classes }, beside);
  assertEquals([[...dropped.data], [...dropped.classes!]], [[1, 10, 8, 60], [0, 3]]);
  assertEquals([...dropped.rowNumbers!], [0, 3]);
  assertNoted(dropped, "2 rows with missing values are left out");
  const mean = await load("t.csv", text, { missing: "mean" });
  assertEquals([...mean.data], [1, 10, 4, 20, 3, 30, 8, 60]);
  const median = await load("t.csv", text, { missing: "median" });
  assertEquals([...median.data], [1, 10, 3, 20, 3, 20, 8, 60]);
  assertNoted(
    await load("t.csv", "1,2\n?,3\n4,5\n", { missing: "drop" }),
    "1 row with missing values is left out, 2 are there",
  );
  const later = await load("t.csv", "b,a\n?,5\n", { missing: "mean", trained: mean });
  assertEquals([...later.data], [5, 30]);
  const body = new Uint8Array(Float64Array.of(1, NaN, 3, 5).buffer);
  assertEquals([...(await load("x.npy", npy("<f8", "(2, 2)", body), { missing: "mean" })).data], [
    1,
    5,
    3,
    5,
  ]);
  await assertRejects(
    () => load("t.csv", "1,\n2,\n", { missing: "mean" }),
    RangeError,
    "all its values are missing",
  );
});

Deno.test("missing values of images are filled as the training's were, in any file", async () => {
  const images = (...values: number[]) =>
    npy("<f8", `(${values.length / 4}, 2, 2)`, new Uint8Array(Float64Array.from(values).buffer));
  const trained = await load("x.npy", images(1, NaN, 3, 5, 3, 7, 5, 7), { missing: "mean" });
  assertEquals([trained.height, trained.schema.fills], [2, [2, 7, 4, 6]]);
  const later = images(NaN, NaN, 0, NaN, 8, 9, 0, 1);
  const read = (name: string, content: string | Uint8Array) =>
    load(name, content, { missing: "mean", trained });
  assertEquals([...(await read("z.npy", later)).data], [2, 7, 0, 6, 8, 9, 0, 1]);
  assertEquals([...(await read("z.csv", "?,?,0,?\n8,9,0,1\n")).data], [2, 7, 0, 6, 8, 9, 0, 1]);
  // A training that filled none says nothing of what they would be.
  const whole = await load("x.npy", images(1, 2, 3, 5));
  await assertRejects(
    () => load("z.npy", later, { missing: "mean", trained: whole }),
    RangeError,
    "3 values are not finite",
  );
  const text = "x,colour\n1,red\n3,blue\n?,red\n";
  const table = await load("t.csv", text, { missing: "mean", table: { oneHot: ["colour"] } });
  const array = npy("<f8", "(1, 3)", new Uint8Array(Float64Array.of(NaN, 0, 1).buffer));
  const one = await load("t.npy", array, { missing: "mean", trained: table });
  assertEquals([...one.data], [2, 0, 1]);
});

Deno.test("a run remembers what missing values of its images became", () =>
  inFolder(async (folder) => {
    const images = (...values: number[]) =>
      npy("<f8", `(${values.length / 4}, 2, 2)`, new Uint8Array(Float64Array.from(values).buffer));
    await Deno.writeFile(`${folder}/x.npy`, images(NaN, 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7));
    await Deno.writeFile(`${folder}/z.npy`, images(NaN, 5, 5, 5, 1, NaN, 1, 1));
    const model = ["--model", "kmeans", "--clusters", "2", "--no-report", "--threads", "1"];
    const train = ["train", "--data", "x.npy", "--missing", "mean", ...model, "--out", "r"];
    const trained = await run(train, folder);
    assertEquals(trained.code, 0, trained.err);
    // The codes of k-means are the rows.
    const { code, out, err } = await run(["embed", "--run", "r", "--data", "z.npy"], folder);
    assertEquals(code, 0, err);
    const codes = out.trim().split("\n").slice(1).map((line) => line.split(",").map(Number));
    assertEquals(codes, [[6, 5, 5, 5], [1, 5, 1, 1]]);
  }));

Deno.test("rows of another shape than the training's are refused, of none are taken", async () => {
  const bytes = (...shape: number[]) =>
    npy("|u1", `(${shape.join(", ")})`, new Uint8Array(shape.reduce((a, b) => a * b)).fill(9));
  const refused = async (training: number[], rows: number[], message: string) => {
    const trained = await load("x.npy", bytes(...training));
    const words = `z.npy: its ${message}`;
    await assertRejects(() => load("z.npy", bytes(...rows), { trained }), RangeError, words);
    const folder = await Deno.makeTempDir();
    await Deno.writeFile(`${folder}/z.npy`, bytes(...rows));
    await assertRejects(() => openDataset(`${folder}/z.npy`, { trained }), RangeError, words);
    await Deno.remove(folder, { recursive: true });
  };
  await refused([6, 8, 8], [6, 4, 16], "shape is [6, 4, 16], expected [n, 8, 8] as of the tr");
  await refused([6, 6, 6, 3], [5, 3, 6, 6], "shape is [5, 3, 6, 6], expected [n, 6, 6, 3]");
  await refused(
    [6, 6, 6, 3],
    [5, 3, 6, 6],
    "shape is [5, 3, 6, 6], expected [n, 6, 6, 3] as of " +
      "the training's images; x.transpose(0, 2, 3, 1) puts the channels last",
  );
  await refused([6, 6, 18], [5, 6, 6, 3], "shape is [5, 6, 6, 3], expected [n, 6, 18]");
  await refused([6, 8, 8], [6, 65], "rows have 65 values, expected 64 as of the training's");
  const trained = await load("x.npy", bytes(6, 8, 8));
  for (const shape of [[3, 64], [3, 8, 8, 1], [3, 1, 8, 8]]) {
    assertEquals((await load("z.npy", bytes(...shape), { trained })).n, 3);
  }
  const rows = await load("z.csv", csv([new Array<number>(64).fill(9)]), { trained });
  assertEquals([rows.n, rows.d], [1, 64]);
  const standard = await load("t.csv", "1,2,3\n2,3,5\n", { scale: "standard" });
  await assertRejects(
    () => load("z.npy", bytes(4, 5), { trained: standard }),
    RangeError,
    "z.npy: its rows have 5 values, expected 3",
  );
});

Deno.test("a type is the same in IDX and NPY, in any order of bytes", async () => {
  const bytes = Uint8Array.from({ length: 12 }, (_, i) => 20 * i);
  const trained = await load("x-idx3-ubyte", encodeIdx(bytes, [3, 2, 2]));
  assertEquals(trained.scaling, { kind: "divisor", divisor: 255 });
  const same = await load("x.npy", npy("|u1", "(3, 2, 2)", bytes), { trained });
  assertEquals([same.notes, same.data], [[], trained.data]);
  const binary = npy("|u1", "(3, 2, 2)", bytes.map((byte) => byte > 100 ? 1 : 0));
  const dark = await load("x.npy", binary, { trained });
  assertEquals(dark.data.reduce((a, b) => Math.max(a, b)), Math.fround(1 / 255));
  const reals = npy("<f4", "(3, 2, 2)", new Uint8Array(trained.data.buffer));
  await assertRejects(() => load("x.npy", reals, { trained }), RangeError, "rows are expected raw");
  const ints = (descr: string, little: boolean) => {
    const view = new DataView(new ArrayBuffer(12));
    [3, 900, 40].forEach((x, i) => view.setInt32(4 * i, x, little));
    return npy(descr, "(3, 1)", new Uint8Array(view.buffer));
  };
  const counts = await load("x.npy", ints("<i4", true), { scale: 100 });
  assertEquals((await load("x.npy", ints(">i4", false), { trained: counts })).notes, []);
});

Deno.test("text columns: refused with a remedy, or a column for each category", async () => {
  const text = "x,colour\n1,red\n2,blue\n3,red\n";
  await assertRejects(() => load("t.csv", text), SyntaxError, "--one-hot 1 takes it as text");
  const trained = await load("t.csv", text, { table: { oneHot: ["colour"] } });
  assertEquals([[...trained.data], trained.d], [[1, 1, 0, 2, 0, 1, 3, 1, 0], 3]);
  assertEquals(trained.schema.columns![1].categories, ["red", "blue"]);
  const later = await load("t.csv", "colour,x\nblue,7\n", { trained });
  assertEquals([...later.data], [7, 0, 1]);
  await assertRejects(
    () => load("t.csv", "colour,x\ngreen,7\n", { trained }),
    SyntaxError,
    '"green" is no category of the training',
  );
});

Deno.test("decimal commas by an option with a hint, UTF-16 by its mark", async () => {
  const text = "a;b\n1,5;2,25\n3,0;4e1\n";
  await assertRejects(() => load("t.csv", text), SyntaxError, "--decimal , reads decimal commas");
  const read = await load("t.csv", text, { table: { decimal: "," } });
  assertEquals([...read.data], [1.5, 2.25, 3, 40]);
  const bar = await load("t.csv", "a,b;c\n1,2;3\n", { table: { separator: ";", decimal: "," } });
  assertEquals([...bar.data], [Math.fround(1.2), 3]);
  const wide = (mark: string, little: boolean) => {
    const bytes = new Uint8Array(2 * `${mark}a\tb\n1\t2\n`.length);
    const view = new DataView(bytes.buffer);
    [...`${mark}a\tb\n1\t2\n`].forEach((c, i) => view.setUint16(2 * i, c.charCodeAt(0), little));
    return bytes;
  };
  assertEquals([...(await load("t.csv", wide("\ufeff", true))).data], [1, 2]);
  assertEquals([...(await load("t.csv", wide("\ufeff", false))).data], [1, 2]);
  await assertRejects(() => load("t.csv", wide("", true)), SyntaxError, "it may be UTF-16");
});

Deno.test("classes: a run's labels in any order, tables, names with blanks, strings, noise", async () => {
  const read = async (
    content: string | Uint8Array,
    column?: TableOptions["classColumn"],
    name = "l.csv",
  ) => {
    const bytes = typeof content === "string" ? encode(content) : content;
    const { classes, classNames } = await decodeClasses(bytes, name, { column });
    return [[...classes], classNames];
  };
  assertEquals(await read("row,label\n2,7\n0,5\n1,6\n"), [[5, 6, 7], undefined]);
  await assertRejects(
    () => read("row,label\n2,7\n2,5\n1,6\n"),
    RangeError,
    'row "2" is no number, is there twice',
  );
  assertEquals(await read("row,label\n9,5\n0,7\n"), [[7, 5], undefined]);
  await assertRejects(() => read("row,label\nx,7\n"), RangeError, 'row "x" is no number');
  assertEquals(await read("kind,row\nb,1\na,0\n", "kind"), [[0, 1], ["a", "b"]]);
  assertEquals(await read("row,label,name\n1,7,x\n0,5,y\n"), [[5, 7], undefined]);
  assertEquals(await read("id,kind\n7,b\n8,a\n", "kind"), [[0, 1], ["b", "a"]]);
  assertEquals(await read("7,b\n8,a\n", "last"), [[0, 1], ["b", "a"]]);
  await assertRejects(() => read("id,kind\n7,b\n"), SyntaxError, "--class-column takes a column");
  assertEquals(await read("Ankle boot\nDress\nAnkle boot\n"), [[0, 1, 0], ["Ankle boot", "Dress"]]);
  const text = [..."cat\0dog\0cat\0"].flatMap((c) => [c.charCodeAt(0), 0, 0, 0]);
  const strings = npy("<U4", "(3,)", Uint8Array.from(text));
  assertEquals(await read(strings, undefined, "y.npy"), [[0, 1, 0], ["cat", "dog"]]);
  assertEquals(await read(npy("|S2", "(2,)", encode("b\0aa")), undefined, "y.npy"), [[0, 1], [
    "b",
    "aa",
  ]]);
  const noise = new Uint8Array(BigInt64Array.of(0n, -1n, 0n).buffer);
  assertEquals(await read(npy("<i8", "(3,)", noise), undefined, "y.npy"), [[0, 1, 0], ["0", "-1"]]);
});

Deno.test("NPZ: the one array that can be meant; damaged archives are refused", async () => {
  const x = npy("|u1", "(2, 2)", Uint8Array.of(0, 51, 102, 255));
  const y = npy("|u1", "(2,)", Uint8Array.of(4, 2));
  const archive = await zipOf([["x.npy", x], ["y.npy", y]]);
  const found = await load("a.npz", archive, { classes: "a.npz" });
  assertEquals([...found.data], [0, 51, 102, 255].map((v) => Math.fround(v / 255)));
  assertEquals([...found.classes!], [4, 2]);
  await assertRejects(
    async () => await load("a.npz", await zipOf([["x.npy", x], ["z.npy", x]])),
    TypeError,
    "found 2 among x, z",
  );
  for (let length = 5; length < archive.length; length += 7) {
    await assertRejects(() => load("a.npz", archive.subarray(0, length)), SyntaxError, "damaged");
  }
});

Deno.test("colour images keep their shape; other arrays are taken as rows, and that is said", async () => {
  const colour = await load("c.npy", npy("|u1", "(2, 2, 4, 3)", new Uint8Array(48)));
  assertEquals([colour.d, colour.height, colour.width, colour.channels], [24, 2, 4, 3]);
  assertEquals([colour.notes, colour.scaling], [[], { kind: "divisor", divisor: 255 }]);
  const first = await load("c.npy", npy("|u1", "(2, 3, 2, 2)", new Uint8Array(24)));
  assertEquals([first.d, first.height], [12, undefined]);
  assertNoted(first, "[2, 3, 2, 2] is taken as 2 rows of 12 values");
  assertNoted(first, "x.transpose(0, 2, 3, 1) puts the channels last");
});

Deno.test("NPZ: deflated arrays are expanded", async () => {
  const x = npy("|u1", "(64, 2)", new Uint8Array(128).fill(51));
  const archive = await zipOf([["x.npy", x]], true);
  const { data, n } = await load("a.npz", archive);
  assertEquals([n, data[127]], [64, Math.fround(0.2)]);
  // The size that the directory says, 24 bytes into the entry; the end of the archive says where that is.
  const view = new DataView(archive.buffer);
  view.setUint32(view.getUint32(archive.length - 6, true) + 24, x.length - 1, true);
  await assertRejects(() => load("a.npz", archive), SyntaxError, "damaged");
});

Deno.test("grey PNGs of 1, 2 and 4 bits are unpacked", async () => {
  const file = await Deno.makeTempFile({ suffix: ".png" });
  try {
    // Each line: its filter, none, and the pixels from the highest bit down.
    const cases: [depth: number, lines: number[], pixels: number[]][] = [
      [1, [0, 0b10100000, 0, 0b01100000], [1, 0, 1, 0, 1, 1]],
      [2, [0, 0b11100100, 0, 0b00011000], [1, 2 / 3, 1 / 3, 0, 1 / 3, 2 / 3]],
      [4, [0, 0xf3, 0xa0, 0, 0x05, 0xc0], [1, 1 / 5, 2 / 3, 0, 1 / 3, 4 / 5]],
    ];
    for (const [depth, lines, pixels] of cases) {
      await Deno.writeFile(file, await pngOf(3, 2, depth, 0, 0, Uint8Array.from(lines)));
      const { data, channels } = await readPng(file);
      assertEquals([channels, [...data]], [1, pixels.map(Math.fround)], `${depth} bits`);
    }
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a run knows its columns: predict takes them in any order, evaluate its rows", () =>
  inFolder(async (folder) => {
    const train = ["train", "--model", "kmeans", "--no-baseline", "--device", "cpu", "--out", "r"];
    const columns = ["--class-column", "class", "--scale", "auto"];
    const trained = await run([...train, "--data", "blobs.csv", ...columns], folder);
    assertEquals(trained.code, 0, trained.err);
    assertStringIncludes(trained.err, "--scale auto: the columns have one range");
    const record = JSON.parse(await Deno.readTextFile(`${folder}/r/run.json`));
    const names = record.data.schema.columns.map(({ name }: { name: string }) => name);
    assertEquals([names, record.data.request.classColumn], [["a", "b", "c", "d"], "class"]);
    const lines = (await Deno.readTextFile(`${folder}/blobs.csv`)).trim().split("\n");
    const reversed = lines.map((line) => line.split(",").reverse().join(","));
    await Deno.writeTextFile(`${folder}/reversed.csv`, reversed.join("\n"));
    const predict = ["predict", "--run", "r", "--device", "cpu", "--data"];
    const predicted = await run([...predict, "reversed.csv"], folder);
    const labels = await Deno.readTextFile(`${folder}/r/labels.csv`);
    assertEquals([predicted.code, predicted.out], [0, rowsAndLabels(labels)], predicted.err);
    await Deno.writeTextFile(`${folder}/other.csv`, "a,b,c,x\n1,2,3,4\n");
    const other = await run([...predict, "other.csv"], folder);
    assertEquals(other.code, 1);
    assertStringIncludes(other.err, 'there is no column "d", on which the model was trained');

    const [header, ...rows] = labels.trim().split("\n");
    await Deno.writeTextFile(`${folder}/sorted.csv`, [header, ...rows.sort()].join("\n"));
    const evaluated = await run(
      ["evaluate", "--labels", "sorted.csv", "--truth", "blobs.csv", "--truth-column", "class"],
      folder,
    );
    assertStringIncludes(evaluated.out, "1.0000  1.0000  1.0000", evaluated.err);
  }));
