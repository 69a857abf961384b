/** Folders of images, as Pillow writes them (tests/golden/images.py). */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ImageOptions } from "../datasets/image_rows.ts";
import { loadDataset } from "../datasets/load.ts";
import { pngOf } from "./archives.ts";
import { inFolder, run } from "./command_line.ts";

const GOLDEN = new URL("golden/images/", import.meta.url);
const image = (name: string) => Deno.readFileSync(new URL(name, GOLDEN));
const PIXELS: Record<"colour" | "grey", number[]> = JSON.parse(
  Deno.readTextFileSync(new URL("pixels.json", GOLDEN)),
);
const [HEIGHT, WIDTH] = [6, 8];

/** A folder of files by their paths, loaded with raw bytes. */
async function load(files: Record<string, Uint8Array>, options: ImageOptions = {}) {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, bytes] of Object.entries(files)) {
      const inner = path.split("/").slice(0, -1).join("/");
      await Deno.mkdir(`${folder}/${inner}`, { recursive: true });
      await Deno.writeFile(`${folder}/${path}`, bytes);
    }
    return await loadDataset(folder, { scale: "none", ...options });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The largest difference of a row from the pixels that Pillow saw. */
function distance(row: Float32Array, expected: readonly number[]): number {
  assertEquals(row.length, expected.length);
  return row.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
}

Deno.test("images: PNG, WebP and JPEG have the pixels that Pillow sees", async () => {
  const names = ["colour.jpg", "colour.png", "colour.webp"];
  const set = await load(Object.fromEntries(names.map((name) => [name, image(name)])));
  assertEquals([set.n, set.height, set.width, set.channels], [3, HEIGHT, WIDTH, 3]);
  const row = (i: number) => set.data.subarray(i * set.d, (i + 1) * set.d);
  assertEquals(distance(row(1), PIXELS.colour), 0);
  assertEquals(distance(row(2), PIXELS.colour), 0);
  // Quantised at quality 95.
  assert(distance(row(0), PIXELS.colour) <= 8, `${distance(row(0), PIXELS.colour)}`);
  assertEquals([set.ids, set.classes], [names, undefined]);
});

Deno.test("images: grey ones stay grey, unless some are in colour or it is asked for", async () => {
  const files = { "a.png": image("grey.png"), "b.jpg": image("grey.jpg") };
  const grey = await load(files);
  assertEquals([grey.n, grey.d, grey.channels], [2, HEIGHT * WIDTH, undefined]);
  assertEquals(distance(grey.data.subarray(0, grey.d), PIXELS.grey), 0);
  const colour = await load(files, { colour: "rgb" });
  assertEquals(
    colour.data.subarray(0, 6),
    Float32Array.from([0, 1].flatMap((i) => Array(3).fill(PIXELS.grey[i]))),
  );
  const mixed = await load({ ...files, "c.png": image("colour.png") });
  assertEquals([mixed.n, mixed.channels], [3, 3]);
  const luma = await load({ "c.png": image("colour.png") }, { colour: "grey" });
  assert(distance(luma.data, PIXELS.grey) <= 1);
});

Deno.test("images: subfolders are classes, in the order of their paths", async () => {
  const { classes, classNames, ids } = await load({
    "dogs/2.png": image("colour.png"),
    "cats/b/1.png": image("colour.webp"),
    "cats/a.jpg": image("colour.jpg"),
    "dogs/.DS_Store": new Uint8Array(4),
  });
  assertEquals(ids, ["cats/a.jpg", "cats/b/1.png", "dogs/2.png"]);
  assertEquals([[...classes!], classNames], [[0, 0, 1], ["cats", "dogs"]]);
});

Deno.test("images: --size scales, EXIF turns, palettes are colours, transparency is left out", async () => {
  const files = { "a.jpg": image("turned.jpg"), "b.png": image("colour.png") };
  await assertRejects(
    () => load(files),
    RangeError,
    "it has 6 × 8 pixels, a.jpg has 8 × 6; --size 8x6 scales all to one size",
  );
  const set = await load(files, { size: [3, 4] });
  assertEquals([set.n, set.height, set.width], [2, 3, 4]);
  // A quarter turn to the right puts what was left on top: red grows downwards there.
  const red = (i: number) => set.data[i * 3];
  assert(red(0) < red(4) && red(4) < red(8), `${set.data.subarray(0, set.d)}`);
  const palette = await load({ "p.png": image("palette.png") });
  assertEquals(palette.channels, 3);
  const transparent = await load({ "t.png": image("transparent.png") });
  assertEquals(distance(transparent.data, PIXELS.colour), 0);
  assertEquals(transparent.notes, ["1 images have transparency, which is left out"]);
});

Deno.test("images: what cannot be read is named", async () => {
  const damaged = image("colour.png").slice(0, 60);
  await assertRejects(() => load({ "x.png": damaged }), SyntaxError, "x.png: the PNG is cut short");
  const text = new TextEncoder().encode("no image");
  await assertRejects(() => load({ "x.png": text }), SyntaxError, "no PNG, JPEG or WebP image");
  await assertRejects(() => load({ "x.txt": text }), TypeError, "folder without PNG, JPEG or WebP");
  await assertRejects(
    () => load({ "x.png": image("colour.png"), "a/y.png": image("colour.png") }),
    TypeError,
    "x.png lies beside folders of images",
  );
  const { notes } = await load({ "x.png": image("colour.png"), "readme.txt": text });
  assertEquals(notes, ["1 files are no PNG, JPEG or WebP and are left out: readme.txt"]);
  const flipped = image("colour.png");
  flipped[50] ^= 1;
  await assertRejects(() => load({ "x.png": flipped }), SyntaxError, "checksum of its chunk");
  // A height that no JPEG of its length has: 65,535 rows.
  const jpeg = image("colour.jpg");
  const frame = jpeg.findIndex((byte, i) => byte === 0xff && jpeg[i + 1] === 0xc0);
  jpeg.set([0xff, 0xff, 0x00, 0x40], frame + 5);
  const bytes = `its ${jpeg.length} bytes cannot hold 65535 × 64 pixels`;
  await assertRejects(() => load({ "x.jpg": jpeg }), SyntaxError, bytes);
  // 60,000 × 60,000 pixels, in a file that holds none: the size is looked at first.
  const huge = image("colour.png");
  new DataView(huge.buffer).setUint32(16, 60_000);
  new DataView(huge.buffer).setUint32(20, 60_000);
  await assertRejects(
    () => load({ "x.png": huge }),
    RangeError,
    "60000 × 60000 pixels are too many",
  );
  // The palette has three colours: runtimes take what follows for black, and others for grey.
  const fourth = await pngOf(2, 1, 2, 3, 0, Uint8Array.of(0, 0x30));
  await assertRejects(() => load({ "x.png": fourth }), SyntaxError, "that its palette lacks");
});

Deno.test("images: a run on a folder draws in colour, and predicts another folder as it was trained", async () => {
  await inFolder(async (folder) => {
    for (const [kind, name] of [["a", "colour.png"], ["b", "turned.jpg"]]) {
      await Deno.mkdir(`${folder}/pictures/${kind}`, { recursive: true });
      for (let i = 0; i < 8; i++) {
        await Deno.writeFile(`${folder}/pictures/${kind}/${i}.${name.split(".")[1]}`, image(name));
      }
    }
    const steps = ["--pretrain-steps", "20", "--steps", "20", "--construction-steps", "5"];
    const network = ["--hidden", "16", "--latent", "2", "--batch-size", "8", "--n-init", "1"];
    const trained = await run(
      ["train", "--data", "pictures", "--size", "6", "--partition", "kmeans", "--no-baseline"]
        .concat(["--out", "run", "--threads", "1", "--json", ...steps, ...network]),
      folder,
    );
    assertEquals(trained.code, 0, trained.err);
    const { data } = JSON.parse(trained.out);
    assertEquals([data.n, data.d, data.height, data.channels], [16, 108, 6, 3]);
    const { decode } = await import("fast-png");
    const centroids = decode(await Deno.readFile(`${folder}/run/centroids.png`));
    assertEquals(centroids.channels, 3);
    const drawn = await run(["generate", "--run", "run", "--threads", "1"], folder);
    assertEquals(drawn.code, 0, drawn.err);
    assertEquals(decode(await Deno.readFile(`${folder}/run/samples.png`)).channels, 3);
    // Grey images of another size become what the network knows.
    await Deno.mkdir(`${folder}/others`);
    await Deno.writeFile(`${folder}/others/x.jpg`, image("grey.jpg"));
    const found = await run(["predict", "--run", "run", "--data", "others"], folder);
    assertEquals([found.code, found.out.trim().split("\n").length], [0, 2], found.err);
    const refused = await run(["data", "info", "blobs.csv", "--size", "8"], folder);
    assertEquals(refused.code, 1);
    assert(refused.err.includes("a size and a colour are for folders of images"), refused.err);
    const absent = await run(["data", "info", "absent", "--size", "8"], folder);
    assert(absent.err.includes("absent: there is no such file, and no data set"), absent.err);
  });
});

Deno.test("standard input: CSV and NPY by content", async () => {
  await inFolder(async (folder) => {
    const text = "a,b\n1,2\n3,4\n5,6\n";
    const args = ["train", "--data", "-", "--model", "kmeans", "--clusters", "2", "--out"];
    const input = new TextEncoder().encode(text);
    const csv = await run([...args, "csv", "--json", "--threads", "1"], folder, { input });
    assertEquals(csv.code, 0, csv.err);
    const { data } = JSON.parse(csv.out);
    assertEquals([data.name, data.n, data.request.data], ["stdin", 3, "-"]);
    const { encodeNpy } = await import("../datasets/npy.ts");
    const npy = encodeNpy(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
    const predict = ["predict", "--run", "csv", "--data", "-", "--threads", "1"];
    const found = await run(predict, folder, { input: npy });
    assertEquals([found.code, found.out.trim().split("\n").length], [0, 4], found.err);
    const stream = ["train", "--data", "-", "--clusters", "2", "--stream", "--out", "x"];
    const streamed = await run(stream, folder, { input });
    assert(streamed.err.includes("--stream reads a file, in any order, and - is standard input"));
    const empty = await run([...args, "y"], folder, { input: new Uint8Array() });
    assert(empty.err.includes("Cannot read -: the file is empty"), empty.err);
  });
});
