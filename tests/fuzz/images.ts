/** Pictures: PNG files by themselves, and folders of PNG, JPEG and WebP files. */
import { assert, assertEquals } from "@std/assert";
import { encode as encodePixels } from "fast-png";
import { decodePng } from "../../cli/images.ts";
import { elementsOf } from "../../datasets/array.ts";
import { crc32 } from "../../datasets/crc32.ts";
import { readImages } from "../../datasets/image_rows.ts";
import { pngOf } from "../archives.ts";
import { type Dice, mutate } from "./mutations.ts";
import { FILE, type Reader } from "./reader.ts";

const pixels = Uint8Array.from({ length: 5 * 4 * 4 }, (_, i) => (i * 37) % 256);
const PNG: readonly Uint8Array[] = [
  encodePixels({ width: 5, height: 4, channels: 1, data: pixels.subarray(0, 20), depth: 8 }),
  encodePixels({ width: 5, height: 4, channels: 3, data: pixels.subarray(0, 60), depth: 8 }),
  encodePixels({ width: 5, height: 4, channels: 4, data: pixels, depth: 8 }),
  encodePixels({
    ...{ width: 5, height: 4, channels: 1, depth: 16 },
    data: Uint16Array.from(pixels.subarray(0, 20), (x) => 257 * x),
  }),
  encodePixels(
    { width: 5, height: 4, channels: 3, data: pixels.subarray(0, 60), depth: 8 },
    { interlace: "Adam7" },
  ),
  await pngOf(5, 3, 1, 0, 0, Uint8Array.of(0, 0xa8, 0, 0x50, 0, 0xf8)),
  await pngOf(3, 2, 4, 3, 0, Uint8Array.of(0, 0x01, 0x20, 1, 0x10, 0x10)),
];

/** The same chunks with right checksums, as far as they can be followed. */
function withChecksums(png: Uint8Array): Uint8Array {
  const bytes = png.slice();
  const view = new DataView(bytes.buffer);
  for (let at = 8; at + 12 <= bytes.length;) {
    const end = at + 12 + view.getUint32(at);
    if (end > bytes.length) break;
    view.setUint32(end - 4, crc32(bytes.subarray(at + 4, end - 4)));
    at = end;
  }
  return bytes;
}

async function damagedPng(dice: Dice): Promise<Uint8Array> {
  const valid = dice.of(PNG);
  switch (dice.below(3)) {
    case 0:
      return mutate(dice, valid, PNG);
    case 1:
      return withChecksums(mutate(dice, valid, PNG));
    default: {
      const size = () => dice.chance(0.9) ? 1 + dice.below(9) : dice.of([0, 2 ** 15, 2 ** 31]);
      const [width, height] = [size(), size()];
      const [depth, colour] = [dice.of([1, 2, 4, 8, 8, 8, 16, 3]), dice.of([0, 0, 2, 3, 4, 6, 1])];
      const line = 1 + Math.ceil(width * depth * [1, 1, 3, 1, 2, 1, 4][colour] / 8);
      const right = line * height;
      const length = right > 9999 || dice.chance(0.1) ? dice.below(120) : right;
      const lines = Uint8Array.from(
        { length },
        (_, i) => i % line === 0 ? dice.below(5) : dice.below(256),
      );
      return await pngOf(width, height, depth, colour, dice.chance(0.2) ? 1 : 0, lines);
    }
  }
}

/** PNG files. */
export const png: Reader = {
  name: "png",
  peer: ["numpy", "PIL"],
  make: damagedPng,
  async read(bytes) {
    const { data, height, width, channels } = await decodePng(bytes, FILE);
    assertEquals(data.length, height * width * channels);
    assert(data.every((value) => value >= 0 && value <= 1));
    return { shape: [height, width, channels], values: data };
  },
};

const PHOTOGRAPHS = ["colour.jpg", "grey.jpg", "turned.jpg", "colour.webp"].map((name) =>
  Deno.readFileSync(new URL(`../golden/images/${name}`, import.meta.url))
);

/** Where segments of a JPEG begin, or bytes that look like it. */
function segmentsOf(bytes: Uint8Array): number[] {
  return Array.from(bytes.keys())
    .filter((at) => bytes[at] === 0xff && bytes[at + 1] >= 0xc0 && bytes[at + 1] < 0xff);
}

function damagedPhotograph(dice: Dice): Uint8Array {
  const bytes = dice.of(PHOTOGRAPHS);
  const segments = segmentsOf(bytes);
  if (segments.length === 0 || dice.chance(0.4)) return mutate(dice, bytes, PHOTOGRAPHS);
  // Lengths, sizes and tables stand where segments begin.
  const result = bytes.slice();
  const at = Math.min(dice.of(segments) + 2 + dice.below(12), bytes.length - 1);
  const changed = mutate(dice, result.slice(at, at + 16));
  result.set(changed.subarray(0, result.length - at), at);
  return result;
}

/** Folders of images. */
export const imageFolder: Reader = {
  name: "images",
  peer: ["numpy", "PIL"],
  make: async (dice) => dice.chance(0.4) ? await damagedPng(dice) : damagedPhotograph(dice),
  async read(bytes) {
    const { array } = await readImages(FILE, ["1.png"], () => Promise.resolve(bytes));
    assertEquals(array.values.length, elementsOf(array.shape));
    const [, height, width, channels = 1] = array.shape;
    const values = Float64Array.from(array.values as Uint8Array, (value) => value / 255);
    return { shape: [height, width, channels], values };
  },
};
