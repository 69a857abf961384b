/** What is damaged, hostile or somebody else's is refused in words, and harms nothing. */
import {
  assert,
  assertEquals,
  assertLess,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { decodePng } from "../cli/images.ts";
import { Lock } from "../cli/lock.ts";
import { harmless, shellWord } from "../cli/terminal.ts";
import { crc32 } from "../datasets/crc32.ts";
import { gunzip, gzip } from "../datasets/gzip.ts";
import { decodeRows } from "../datasets/decode.ts";
import { encodeNpy } from "../datasets/npy.ts";
import { openDataset } from "../datasets/row_file.ts";
import { decodeCheckpoint } from "../storage/checkpoint.ts";
import { chunk, joined, pngOf, zipOf } from "./archives.ts";
import { command, inFolder, run } from "./command_line.ts";
import { Dice } from "./fuzz/mutations.ts";
import { isDocumented } from "./fuzz/reader.ts";
import { READERS } from "./fuzz/readers.ts";

const KMEANS = ["train", "--model", "kmeans", "--device", "cpu", "--threads", "1", "--n-init", "2"];
const BLOBS = ["--data", "blobs.csv", "--class-column", "last"];

Deno.test("damaged files of every format are read right, or refused in words", async (t) => {
  for (const reader of READERS) {
    await t.step(reader.name, async () => {
      let accepted = 0;
      for (let file = 0; file < 300; file++) {
        const bytes = await reader.make(new Dice(file));
        try {
          await reader.read(bytes);
          accepted++;
        } catch (error) {
          assert(isDocumented(error), `file ${file}: ${(error as Error).stack}`);
        }
      }
      assert(accepted < 300);
    });
  }
});

Deno.test("the checksum of ZIP and PNG is that of its definition", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

Deno.test("a small file that promises a large picture is refused before memory is taken", async () => {
  const huge = await pngOf(30_000, 30_000, 8, 0, 0, new Uint8Array(30_001));
  await assertRejects(() => decodePng(huge, "a.png"), RangeError, "pixels are too many");
  const lying = await pngOf(8_000, 8_000, 8, 0, 0, new Uint8Array(8_001));
  await assertRejects(() => decodePng(lying, "a.png"), SyntaxError, "stream of pixels is damaged");
  // 4 pixels, and a stream that would expand to 32 MB.
  const bomb = await pngOf(2, 2, 8, 0, 0, new Uint8Array(2 ** 25));
  await assertRejects(() => decodePng(bomb, "a.png"), SyntaxError, "stream of pixels is damaged");
  const flipped = (await pngOf(2, 1, 8, 0, 0, Uint8Array.of(0, 7, 9))).slice();
  flipped[45] ^= 1;
  await assertRejects(() => decodePng(flipped, "a.png"), SyntaxError, "checksum of its chunk");
  // All pixels, and a stream that ends before its own checksum, which the platform does not miss.
  const whole = await pngOf(2, 1, 8, 0, 0, Uint8Array.of(0, 7, 9));
  const length = new DataView(whole.buffer).getUint32(33);
  const cut = joined([
    ...[whole.subarray(0, 33), chunk("IDAT", whole.subarray(41, 41 + length - 2))],
    whole.subarray(41 + length + 4),
  ]);
  await assertRejects(() => decodePng(cut, "a.png"), SyntaxError, "stream of pixels is damaged");
});

Deno.test("gzip stops past the length that the header or the end of the file promises", async () => {
  const npy = encodeNpy(Float32Array.of(1, 2), [1, 2]);
  const bytes = new Uint8Array(2 ** 25);
  bytes.set(npy);
  let expanded = 0;
  const packed = await gzip(bytes);
  const counted = await gunzip(packed, "a.gz", undefined, (head) => {
    expanded = head.length;
    return npy.length;
  });
  // What the first pieces of the file expand to, and no more.
  assertLess(Math.max(counted.length, expanded), 2 ** 24);
  await assertRejects(() => decodeRows(packed, "a.npy.gz"), SyntaxError, "bytes follow the data");
  new DataView(packed.buffer).setUint32(packed.length - 4, 1000, true);
  await assertRejects(() => gunzip(packed, "a.gz"), SyntaxError, "more than the 1000 bytes");
});

Deno.test("an archive whose entries share bytes, or whose values were changed, is refused", async () => {
  const x = encodeNpy(Float32Array.of(1, 2, 3, 4), [2, 2]);
  const archive = await zipOf([["x.npy", x]]);
  assertEquals([...(await decodeRows(archive, "a.npz")).array.values], [1, 2, 3, 4]);
  archive[30 + 5 + x.length - 1] ^= 1;
  await assertRejects(() => decodeRows(archive, "a.npz"), SyntaxError, "damaged");
});

Deno.test("a file that is written to while its rows are read is noticed", async () => {
  const path = await Deno.makeTempFile({ suffix: ".npy" });
  try {
    const values = Float32Array.from({ length: 64 }, (_, i) => i);
    await Deno.writeFile(path, encodeNpy(values, [16, 4]));
    using rows = (await openDataset(path)).data;
    const into = new Float32Array(4);
    await rows.read(3, into);
    assertEquals(into[0], 12);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Deno.writeFile(path, encodeNpy(values.map((x) => -x), [16, 4]));
    await assertRejects(() => rows.read(3, into), SyntaxError, "written to since it was opened");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("names cannot command a terminal, and printed commands are quoted", () => {
  assertEquals(
    harmless("a\x1b[2Jb\x9b1m\rc\u202e\td\n"),
    "a\\u001b[2Jb\\u009b1m\\u000dc\\u202e\td\n",
  );
  const value = { name: "\x9b2J\x1b[31m" };
  assertEquals(JSON.parse(harmless(JSON.stringify(value))), value);
  assertEquals(
    ["runs/a-1", "my run", "a'b; rm x"].map(shellWord),
    ["runs/a-1", "'my run'", "'a'\\''b; rm x'"],
  );
});

Deno.test("a lock is released by the end of its owner, and shared where that is asked for", async () => {
  const path = await Deno.makeTempFile();
  try {
    const first = await Lock.take(path);
    assert(first && await Lock.isHeld(path));
    assertEquals(await Lock.take(path), undefined);
    first[Symbol.dispose]();
    using a = await Lock.take(path, true);
    using b = await Lock.take(path, true);
    assert(a && b);
    assertEquals(await Lock.take(path), undefined);
  } finally {
    await Deno.remove(path);
  }
});

/** Runs with a stream that is closed after its first bytes; gives the exit code. */
async function closing(
  which: "stdout" | "stderr",
  args: readonly string[],
  folder: string,
): Promise<number> {
  const child = command(args, folder).spawn();
  const other = which === "stdout" ? child.stderr : child.stdout;
  const rest = other.pipeTo(new WritableStream());
  const reader = child[which].getReader();
  await reader.read();
  await reader.cancel();
  await rest;
  return (await child.status).code;
}

Deno.test("whoever stops reading ends no training, and gets no success of a table half read", () =>
  inFolder(async (folder) => {
    const steps = ["--pretrain-steps", "40", "--construction-steps", "20", "--steps", "20"];
    const small = ["--hidden", "8", "--latent", "2", "--device", "cpu", "--threads", "1"];
    const train = ["train", ...BLOBS, ...small, ...steps, "--out", "run"];
    assertEquals(await closing("stderr", train, folder), 0);
    assert((await Deno.stat(`${folder}/run/labels.csv`)).isFile);
    // More than a pipe takes at once.
    const rows = "1,2,3,4\n".repeat(20_000);
    await Deno.writeTextFile(`${folder}/many.csv`, `a,b,c,d\n${rows}`);
    const predict = ["predict", "--run", "run", "--data", "many.csv", "--device", "cpu"];
    assertEquals(await closing("stdout", predict, folder), 141);
  }));

Deno.test("a checkpoint that is damaged, another run's, or another program's, is refused by name", () =>
  inFolder(async (folder) => {
    const train = async (out: string, ...more: string[]) => {
      const { code, err } = await run([...KMEANS, ...BLOBS, "--out", out, ...more], folder);
      assertEquals(code, 0, err);
    };
    await train("a");
    await train("b", "--seed", "1");
    const path = `${folder}/a/checkpoint.safetensors`;
    const [whole, record] = [
      await Deno.readFile(path),
      await Deno.readTextFile(`${folder}/a/run.json`),
    ];
    for (let i = 0; i < whole.length; i += 1 + Math.floor(i / 400)) {
      const flipped = whole.slice();
      flipped[i] ^= 1 << (i % 8);
      const error = await assertRejects(() => decodeCheckpoint(flipped, "c"), Error);
      assertMatch(error.message, /^Cannot read c: /, `byte ${i}`);
    }
    const refused = async (message: string) => {
      const finished = await run(["train", "--resume", "a"], folder);
      assertStringIncludes(finished.err, message);
      assertEquals(finished.code, 1, finished.err);
      for (const name of ["predict", "embed"]) {
        const args = [name, "--run", "a", "--data", "rows.csv", "--device", "cpu"];
        const { code, err } = await run(args, folder);
        assertStringIncludes(err, message);
        assertEquals([code, err.trim().split("\n").length], [1, 1], err);
      }
      await Deno.writeTextFile(
        `${folder}/a/run.json`,
        (await Deno.readTextFile(`${folder}/a/run.json`)).replace('"finished"', '"interrupted"'),
      );
      const resumed = await run(["train", "--resume", "a"], folder);
      assertStringIncludes(resumed.err, message);
      await Deno.writeTextFile(`${folder}/a/run.json`, record);
    };
    await Deno.copyFile(`${folder}/b/checkpoint.safetensors`, path);
    await refused(
      "a/checkpoint.safetensors: it belongs to another run, or run.json was edited: its --seed",
    );
    await Deno.writeFile(path, whole);
    await Deno.writeTextFile(`${folder}/a/run.json`, record.replace('"nInit": 2', '"nInit": 3'));
    const edited = await run(["predict", "--run", "a", "--data", "rows.csv"], folder);
    assertStringIncludes(edited.err, "its --n-init is 2, in run.json 3");
    for (
      const [from, to, message] of [
        ['"schema": 4', '"schema": 77', "a/run.json: schema is 77, expected 4"],
        [
          '"clusterSizes": [',
          '"clusterSizes": [null,',
          "results.clusterSizes[0] is null, expected",
        ],
        ['"model": "kmeans"', '"model": 7', "configuration.model is 7, expected"],
        ['"divisor"', '"divisr"', "data.scaling.kind"],
      ]
    ) {
      await Deno.writeTextFile(`${folder}/a/run.json`, record.replace(from, to));
      if (record.replace(from, to) === record) continue;
      const { code, err } = await run(["embed", "--run", "a", "--data", "rows.csv"], folder);
      assertStringIncludes(err, message);
      assertMatch(err, /^error: Cannot read a\/run\.json: /);
      assertEquals(code, 1);
    }
  }));

Deno.test("two comparisons keep out of each other's way; a damaged run stays in the table", () =>
  inFolder(async (folder) => {
    const fast = [...BLOBS, "--device", "cpu", "--threads", "1", "--seeds", "2"];
    const args = ["compare", "--models", "kmeans,gmm", ...fast, "--out", "c"];
    const both = await Promise.all([run(args, folder), run(args, folder)]);
    const [won, lost] = both.toSorted((a, b) => a.code - b.code);
    assertEquals(won.code, 0, won.err);
    assertMatch(won.out, /^\| kmeans .* 2 of 2 \|/m);
    // Where the second one came after the first had ended, it found all runs finished.
    if (lost.code !== 0) assertStringIncludes(lost.err, "another process");

    await Deno.writeTextFile(`${folder}/c/kmeans-seed1/run.json`, '{"schema": 4');
    const gather = await run(["compare", "--out", "c", "--gather"], folder);
    assertEquals(gather.code, 0, gather.err);
    assertMatch(gather.out, /^- kmeans-seed1: damaged: Cannot read c\/kmeans-seed1\/run\.json: /m);
    assertMatch(gather.out, /^\| kmeans .* 1 of 2 \|/m);
    const again = await run(["compare", "--out", "c"], folder);
    assertEquals(again.code, 1);
    assertStringIncludes(again.err, "1 of 4 runs are not finished");
    await Deno.writeTextFile(`${folder}/c/plan.json`, "{}");
    const { err } = await run(["compare", "--out", "c", "--gather"], folder);
    assertMatch(err, /^error: Cannot read c\/plan\.json: schema is absent, expected 3\n$/);
  }));

Deno.test("a process that ended before it had a run.json leaves no dead end", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/run`);
    for (const name of [".lock", ".run.json.0.tmp", "pretrained.safetensors"]) {
      await Deno.writeTextFile(`${folder}/run/${name}`, "");
    }
    const { code, err } = await run([...KMEANS, ...BLOBS, "--out", "run"], folder);
    assertEquals(code, 0, err);
    const twice = await run([...KMEANS, ...BLOBS, "--out", "run"], folder);
    assertEquals(twice.code, 2);
    assertStringIncludes(twice.err, "go on with it by --resume run");
  }));

Deno.test("a method that needs all rows refuses --stream before it reads any", () =>
  inFolder(async (folder) => {
    for (const command of [["train", "--model", "gmm"], ["compare", "--models", "kmeans"]]) {
      const args = [...command, "--data", "absent.npy", "--stream", "--out", "none"];
      const { code, err } = await run(args, folder);
      assertEquals(code, 2);
      assertStringIncludes(err, "needs all rows in memory; leave --stream out");
    }
  }));

Deno.test("-P writes in the program's folder alone, and uses no network", () =>
  inFolder(async (folder) => {
    const args = [...KMEANS, ...BLOBS, "--out", "run"];
    const outside = { write: "--allow-write=inside" };
    const { code, err } = await run(args, folder, outside);
    assertEquals(code, 1);
    assertMatch(
      err,
      /write access to "run": -P permits .* -P --allow-write=FOLDER to write elsewhere/,
    );
    const fetch = await run(["data", "fetch", "usps", "--data-dir", "d"], folder);
    assertEquals(fetch.code, 1);
    assertStringIncludes(fetch.err, "only deno run -P=fetch cli.ts data fetch may use the network");
    const unwritten = await run(["data", "fetch", "usps", "--data-dir", "d"], folder, outside);
    assertStringIncludes(unwritten.err, "; deno run -P=fetch cli.ts data fetch has it");
  }));
