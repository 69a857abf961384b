/** Segmentation: patches and their overlap, beside k-means, with prototypes picked, and as a command. */
import { fileURLToPath } from "node:url";
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { colourLabels, encodePng, readPng } from "../cli/images.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import { PatchGrid, standardizeRows } from "../models/segmentation/image_patches.ts";
import { KMeans } from "../models/kmeans_estimator.ts";
import { accuracy } from "../models/evaluation/metrics.ts";
import { segment } from "../models/segmentation/segmentation.ts";
import { texturedImage } from "./textures.ts";

const CLI = fileURLToPath(new URL("../cli.ts", import.meta.url));

/** Mean squared difference. */
function error(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assertEquals(a.length, b.length);
  return Array.from(a, (value, i) => (value - b[i]) ** 2).reduce((x, y) => x + y) / a.length;
}

Deno.test("patches cover the image, and their overlap-average is the image", () => {
  const data = Float32Array.from({ length: 7 * 10 * 3 }, (_, i) => Math.sin(i));
  const image = { data, height: 7, width: 10, channels: 3 };
  for (const [size, stride] of [[1, 1], [3, 2], [4, 4], [7, 5]]) {
    const grid = new PatchGrid(image, size, stride);
    const patches = grid.extract(image);
    const length = size * size * 3;
    assertEquals(patches.length, grid.count * length);
    const back = grid.overlapAverage(
      3,
      (patch, pixel, a) => patches[patch * length + 3 * pixel + a],
    );
    assertLess(error(back, data), 1e-14);
  }
  const grid = new PatchGrid(image, 3, 2);
  // Columns 0, 2, 4, 6 and, to reach the edge, 7; rows 0, 2, 4.
  assertEquals(grid.count, 15);
  const last = grid.extract(image).slice(-27);
  assertEquals(last[26], data[data.length - 1]);
});

Deno.test("rows are moved to mean 0 and variance 1, flat ones are not blown up", () => {
  const rows = Float32Array.of(1, 3, 5, 7, 2, 2, 2, 2);
  const { means, deviations } = standardizeRows(rows, 4, 0.5);
  assertEquals([...means], [4, 2]);
  assertAlmostEquals(deviations[0], Math.sqrt(5));
  assertEquals(deviations[1], 0.5);
  assertEquals([...rows.slice(4)], [0, 0, 0, 0]);
  assertAlmostEquals(rows[3], 3 / Math.sqrt(5), 1e-6);
});

Deno.test("segments textures as well as k-means on the same patches", async () => {
  const backend = await openCpuBackend({ threads: 1 });
  try {
    for (const [clusters, channels] of [[2, 1], [3, 1], [4, 3]]) {
      const { image, truth } = texturedImage(clusters, 48, channels, 0.3);
      const grid = new PatchGrid(image, 8, 2);
      const rows = { data: grid.extract(image), n: grid.count, d: 64 * channels };
      const found = await new KMeans({ clusters }).fitPredict(rows, { backend });
      const shares = grid.overlapAverage(clusters, (patch, _, k) => found[patch] === k ? 1 : 0);
      const plain = truth.map((_, i) => {
        const own = shares.subarray(i * clusters, (i + 1) * clusters);
        return own.indexOf(Math.max(...own));
      });
      const result = await segment(image, { clusters, steps: 300 }, { backend });
      const [ours, theirs] = [result.labels, plain].map((labels) => accuracy(truth, labels));
      assertGreater(ours, theirs - 0.01, `${clusters} textures`);
      assertGreater(ours, 0.9);
      for (let i = 0; i < truth.length; i++) {
        const own = result.soft.subarray(i * clusters, (i + 1) * clusters);
        assertAlmostEquals(own.reduce((sum, value) => sum + value), 1, 1e-5);
        assertEquals(result.labels[i], own.indexOf(Math.max(...own)));
      }
      const mean = image.data.reduce((sum, value) => sum + value) / image.data.length;
      assertLess(
        error(result.reconstruction, image.data),
        error(image.data.map(() => mean), image.data) / 2,
      );
    }
  } finally {
    await backend.dispose();
  }
});

Deno.test("brightness does not count where patches are normalised", async () => {
  const { image, truth } = texturedImage(2, 48, 1, 0);
  // Left half: stripes along x; right half: along y; both brighten downwards.
  const data = image.data.map((_, i) => {
    const [x, y] = [i % 48, Math.floor(i / 48)];
    truth[i] = x < 24 ? 0 : 1;
    return 0.2 + y / 80 + ((x < 24 ? x : y) % 2) * 0.1;
  });
  const device = { device: { device: "cpu", threads: 1 } } as const;
  const options = { clusters: 2, steps: 300, normalizePatches: true, patchSize: 6 };
  const { labels, reconstruction } = await segment({ ...image, data }, options, device);
  assertGreater(accuracy(truth, labels), 0.95);
  assertLess(error(reconstruction, data), 1e-3);
});

Deno.test("prototypes that are picked stay, and name the classes", async () => {
  const { image, truth } = texturedImage(3, 48);
  const [side, size] = [48, 8];
  const prototypes = [[40, 8], [8, 40], [8, 8]] as const;
  const device = { device: { device: "cpu", threads: 1 } } as const;
  const result = await segment(image, { prototypes, steps: 200 }, device);
  assertEquals(result.clusters, 3);
  const classes = prototypes.map(([x, y]) => truth[y * side + x]);
  let right = 0;
  result.labels.forEach((label, i) => right += classes[label] === truth[i] ? 1 : 0);
  assertGreater(right / truth.length, 0.9);
  // The prototypes are the patches, by the image's mean and deviation.
  const mean = image.data.reduce((sum, value) => sum + value) / image.data.length;
  const deviation = Math.sqrt(error(image.data, image.data.map(() => mean)));
  for (const [k, [x, y]] of prototypes.entries()) {
    for (let pixel = 0; pixel < size * size; pixel++) {
      const place = (y - 4 + Math.floor(pixel / size)) * side + x - 4 + pixel % size;
      const expected = (image.data[place] - mean) / deviation;
      assertAlmostEquals(result.prototypes[k * size * size + pixel], expected, 1e-5);
    }
  }
});

Deno.test("segmentation says what does not fit", async () => {
  const { image } = texturedImage(2, 16);
  const fails = (options: Parameters<typeof segment>[1], message: string) =>
    assertRejects(() => segment(image, options), RangeError, message);
  assertThrows(() => new PatchGrid(image, 17, 2), RangeError, "16×16; got 17");
  await fails({ stride: 9 }, "at most the patch size, 8");
  await fails({ patchSize: 0 }, "segment: patchSize must be an integer ≥ 1, got 0");
  await fails({ prototypes: [[16, 3]] }, "16 wide and 16 high; got 16,3");
  await fails({ prototypes: [[1, 3]], clusters: 2 }, "1 prototypes make as many classes");
  image.data[20] = NaN;
  await fails({}, "that of pixel 4,1 in channel 0 is NaN");
  await assertRejects(
    () => segment({ ...image, channels: 3 }),
    RangeError,
    "16 × 16 pixels of 3 channels need 768 values, the image has 256",
  );
});

Deno.test("PNG: grey and colour, 8 and 16 bits come back; transparency is left out", async () => {
  const path = await Deno.makeTempFile({ suffix: ".png" });
  try {
    for (const channels of [1, 3]) {
      for (const depth of [8, 16] as const) {
        const white = 2 ** depth - 1;
        const data = Float32Array.from({ length: 15 * channels }, (_, i) => {
          return Math.round(i / (15 * channels - 1) * white) / white;
        });
        const image = { data, height: 3, width: 5, channels };
        await Deno.writeFile(path, await encodePng(image, depth));
        assertEquals(await readPng(path), { ...image, depth, hasAlpha: false });
      }
    }
    const { encode } = await import("fast-png");
    const data = Uint8Array.of(255, 0, 51, 9, 0, 255, 102, 7);
    await Deno.writeFile(path, encode({ width: 2, height: 1, data, channels: 4 }));
    const { data: colours, hasAlpha } = await readPng(path);
    assert(hasAlpha);
    assertLess(error(colours, [1, 0, 0.2, 0, 1, 0.4]), 1e-12);
    await Deno.writeFile(
      path,
      encode({ width: 2, height: 2, data: data.slice(0, 8), channels: 2 }),
    );
    assertLess(error((await readPng(path)).data, [1, 0.2, 0, 0.4]), 1e-12);
    await Deno.writeTextFile(path, "no image");
    await assertRejects(() => readPng(path), Error, `Cannot read ${path}`);
    await assertRejects(() => readPng(`${path}.none`), Error, "there is no such file");
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("each class has a colour of its own", () => {
  const { data } = colourLabels(Uint32Array.from({ length: 24 }, (_, i) => i), 4, 6);
  const colours = Array.from(
    { length: 24 },
    (_, i) => [...data.slice(3 * i, 3 * i + 3)].map((value) => Math.round(255 * value)).join(),
  );
  assertEquals(new Set(colours).size, 24);
});

Deno.test("the command writes maps and reconstruction", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { image, truth } = texturedImage(2, 32, 3);
    await Deno.writeFile(`${folder}/photo.png`, await encodePng(image, 16));
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--quiet",
          "--no-prompt",
          "-P",
          "--allow-write",
          CLI,
          "segment",
          "photo.png",
          ...args,
        ],
        cwd: folder,
        env: { XDG_RUNTIME_DIR: "/tmp", NO_COLOR: "1" },
      }).output();
      const decoder = new TextDecoder();
      return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
    };
    const device = ["--device", "cpu", "--threads", "1", "--steps", "100"];
    const done = await run("--clusters", "2", "--json", ...device);
    assertEquals(done.code, 0, done.err);
    const { folder: out, files, shares } = JSON.parse(done.out);
    assertEquals(out, "photo-segments");
    assertEquals(files, ["labels.png", "reconstruction.png", "class-0.png", "class-1.png"]);
    assertAlmostEquals(shares[0] + shares[1], 1, 1e-9);
    const map = await readPng(`${folder}/photo-segments/class-0.png`);
    assertEquals([map.height, map.width, map.channels, map.depth], [32, 32, 1, 8]);
    assertGreater(accuracy(truth, Uint32Array.from(map.data, (value) => value > 0.5 ? 1 : 0)), 0.9);
    const drawn = await readPng(`${folder}/photo-segments/reconstruction.png`);
    assertEquals([drawn.channels, drawn.depth], [3, 16]);
    const picked = await run("--prototype", "4,4", "--prototype", "28,4", "--out", "p", ...device);
    assertEquals(picked.code, 0, picked.err);
    assertStringIncludes(picked.out, "class");
    // Nothing is left of more classes, and nothing else is written over.
    const names = (path: string) => Array.from(Deno.readDirSync(path), ({ name }) => name).sort();
    await run("--clusters", "3", "--out", "p", ...device);
    assert(names(`${folder}/p`).includes("class-2.png"));
    const fewer = await run("--clusters", "2", "--out", "p", ...device);
    assertEquals(fewer.code, 0, fewer.err);
    assertEquals(names(`${folder}/p`), [...files].sort());
    await Deno.mkdir(`${folder}/own`);
    await Deno.copyFile(`${folder}/photo.png`, `${folder}/own/labels.png`);
    const refusals: [args: string[], words: string][] = [
      [["--out", "own"], "--out own: it holds labels.png, which is no part of a segmentation"],
      [["--out", "."], "--out .: it holds own, which is no part of a segmentation"],
      [
        [...["--prototype", "4,4", "--prototype", "28,4"], "--clusters", "3"],
        "--clusters is 3, and 2 prototypes make as many classes",
      ],
    ];
    for (const [args, words] of refusals) {
      const { code, err } = await run(...args, ...device);
      assertStringIncludes(err, words);
      assertEquals(code, 2, err);
    }
    assertEquals(
      await Deno.readFile(`${folder}/own/labels.png`),
      await Deno.readFile(`${folder}/photo.png`),
    );
    await Deno.copyFile(`${folder}/p/labels.png`, `${folder}/photo.png`);
    await Deno.remove(`${folder}/p/labels.png`);
    await Deno.symlink("../photo.png", `${folder}/p/labels.png`);
    assertStringIncludes(
      (await run("--out", "p", ...device)).err,
      "--out p: the image is in it; name a folder",
    );
    await assertRejects(() => readPng(folder), Error, "is a folder; name a PNG in it");
    const wrong = await run("--prototype", "4;4");
    assertEquals([wrong.code, wrong.err], [
      2,
      'error: --prototype takes a pixel such as 40,12, got "4;4"\n',
    ]);
    const gap = await run("--stride", "9");
    assertEquals(gap.code, 2);
    assertStringIncludes(gap.err, "the stride must be at most the patch size, 8");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
