import {
  assertAlmostEquals,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { imageGrid } from "../report/image_grid.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { RandomStream } from "../engine/random.ts";
import { AEKMeans } from "../models/ae_kmeans.ts";
import { DEC } from "../models/dec.ts";
import { interpolateCodes, sampleCodes } from "../models/networks/generator.ts";
import { inFolder, run } from "./command_line.ts";

/** Width and height that a PNG says it has. */
function sizeOf(png: Uint8Array): [number, number] {
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

Deno.test("samples have the centroid as mean and the cluster's covariance", () => {
  const random = new RandomStream(1, 1);
  // One cluster of codes on the line (1, −2), a second without codes.
  const codes = Float32Array.from({ length: 40 }, () => 0);
  for (let i = 0; i < 20; i++) {
    const t = random.uniform(-1, 1);
    codes.set([7 + t, 3 - 2 * t], 2 * i);
  }
  const given = {
    codes,
    labels: new Array(20).fill(0),
    centroids: Float32Array.of(5, -1, 8, 9),
    clusters: 2,
  };
  const count = 4000;
  const samples = sampleCodes(given, count, 3);
  assertEquals(samples.length, 2 * count * 2);
  let [mean, second] = [0, 0];
  for (let s = 0; s < count; s++) {
    const [x, y] = samples.subarray(2 * s, 2 * s + 2);
    assertAlmostEquals(y + 1, -2 * (x - 5), 1e-4);
    mean += x / count;
    second += (x - 5) ** 2 / count;
  }
  const centre = codes.filter((_, i) => i % 2 === 0).reduce((a, b) => a + b) / 20;
  const variance = codes.filter((_, i) => i % 2 === 0)
    .reduce((total, x) => total + (x - centre) ** 2 / 20, 0);
  assertAlmostEquals(mean, 5, 5 * Math.sqrt(variance / count));
  assertAlmostEquals(second, variance, 0.1 * variance);
  assertEquals(samples.slice(2 * count, 2 * count + 2), Float32Array.of(8, 9));
  assertEquals(sampleCodes(given, 5, 3), sampleCodes(given, 5, 3));
  assertNotEquals(sampleCodes(given, 5, 3), sampleCodes(given, 5, 4));
});

Deno.test("interpolations go from each centroid to the next, the last to the first", () => {
  const lines = interpolateCodes(Float32Array.of(0, 0, 2, 4, 6, 0), 3, 3);
  assertEquals(
    [...lines],
    [0, 0, 1, 2, 2, 4, /**/ 2, 4, 4, 2, 6, 0, /**/ 6, 0, 3, 0, 0, 0],
  );
});

Deno.test("a grid of images has rows and columns, with gaps between", async () => {
  const images = Float32Array.from({ length: 4 * 6 }, (_, i) => i);
  const options = { height: 2, width: 3, columns: 2, range: [0, 24] } as const;
  const png = await imageGrid(images, options);
  assertEquals(sizeOf(png), [2 * 66 + 4, 2 * 44 + 4]);
});

Deno.test("a grid of colour images shows every channel", async () => {
  const images = Float32Array.of(...[1, 0, 0], ...[0, 1, 0], /**/ ...[0, 0, 1], ...[1, 1, 0.2]);
  const image = { height: 1, width: 2, channels: 3 };
  const png = await imageGrid(images, { ...image, columns: 1, range: [0, 1] });
  const { decode } = await import("fast-png");
  const { data, width, height, channels } = decode(png);
  assertEquals([width, height, channels], [64, 2 * 32 + 4, 3]);
  const pixel = (x: number, y: number) => Array.from(data.slice(3 * (y * 64 + x)).slice(0, 3));
  assertEquals([pixel(0, 0), pixel(63, 31)], [[255, 0, 0], [0, 255, 0]]);
  assertEquals([pixel(0, 36), pixel(63, 67)], [[0, 0, 255], [255, 255, 51]]);
  assertEquals(pixel(10, 33), [255, 255, 255]);
});

Deno.test("inverseTransform draws codes; centroids become the prototypes", async () => {
  const cpu = await openCpuBackend({ threads: 1 });
  const random = new RandomStream(2, 1);
  const data = Float32Array.from({ length: 30 * 4 }, () => random.uniform());
  const small = { clusters: 2, hidden: [5], latent: 3, pretrainSteps: 10 };
  const model = new AEKMeans(small);
  const codes = new Float32Array(6);
  await assertRejects(() => model.inverseTransform(codes), TypeError, "not fitted yet");
  const { clusterCenters, prototypes } = await model.fit({ data, n: 30, d: 4 }, { backend: cpu });
  assertEquals(await model.inverseTransform(clusterCenters), prototypes);
  await assertRejects(
    () => model.inverseTransform(codes.slice(1)),
    RangeError,
    "a multiple of 3 above 0, got 5",
  );
  await model.dispose();
  const dec = new DEC({ ...small, steps: 3 });
  await dec.fit({ data, n: 30, d: 4 }, { backend: cpu });
  await assertRejects(() => dec.inverseTransform(codes), TypeError, "cannot draw");
  await dec.dispose();
  await cpu.dispose();
});

Deno.test("generate leaves two pictures in the folder of a run on images", () =>
  inFolder(async (folder) => {
    const small = ["--hidden", "8", "--latent", "2", "--pretrain-steps", "9", "--limit", "80"];
    const train = ["train", "--model", "ae-kmeans", "--device", "cpu", "--no-baseline"];
    const trained = await run([...train, "--data", "optdigits", ...small, "--out", "a"], folder);
    assertEquals(trained.code, 0, trained.err);
    const counts = ["--samples", "3", "--interpolations", "4"];
    const drawn = await run(["generate", "--run", "a", ...counts], folder);
    assertEquals(drawn.code, 0, drawn.err);
    assertMatch(drawn.err, /samples\.png: 10 rows of 3 images/);
    const samples = await Deno.readFile(`${folder}/a/samples.png`);
    assertEquals(sizeOf(samples), [3 * 68 - 4, 10 * 68 - 4]);
    const lines = await Deno.readFile(`${folder}/a/interpolations.png`);
    assertEquals(sizeOf(lines), [4 * 68 - 4, 10 * 68 - 4]);
    await run(["generate", "--run", "a", ...counts, "--seed", "1"], folder);
    assertNotEquals(await Deno.readFile(`${folder}/a/samples.png`), samples);
    const labels = await Deno.readTextFile(`${folder}/a/labels.csv`);
    await Deno.writeTextFile(`${folder}/a/labels.csv`, labels.replace(/^0,\d+/m, "0,77"));
    const beyond = await run(["generate", "--run", "a"], folder);
    assertEquals(beyond.code, 1, beyond.err);
    assertStringIncludes(beyond.err, "the run had 80, with labels below 10");
    await Deno.remove(`${folder}/a/embedding.npy`);
    const gone = await run(["generate", "--run", "a"], folder);
    assertStringIncludes(gone.err, "Cannot read a/embedding.npy: there is no such file");

    const table = Array.from({ length: 40 }, (_, i) => `${i % 2 * 9},${i % 5},${i % 7}`);
    await Deno.writeTextFile(`${folder}/rows.csv`, table.join("\n"));
    const rows = ["--data", "rows.csv", "--clusters", "2", "--out", "b"];
    assertEquals((await run([...train, ...small, ...rows], folder)).code, 0);
    const failed = await run(["generate", "--run", "b"], folder);
    assertEquals(failed.code, 2, failed.err);
    assertStringIncludes(failed.err, "was trained on rows that are no images");
  }));
