/** `segment`: divides an image into classes by the Clustering Module on its patches. */
import type { Command } from "commander";
import { namedSpecs } from "../models/method.ts";
import { resolveOptions } from "../models/options.ts";
import {
  type Point,
  segment,
  type Segmentation,
  SEGMENTATION_OPTIONS,
  type SegmentationOptions,
} from "../models/segmentation/segmentation.ts";
import { writeFileAtomic } from "../storage/atomic_file.ts";
import { addDeviceOptions, close, type DeviceValues, open } from "./device_options.ts";
import { usageError } from "./errors.ts";
import { colourLabels, encodePng, type PngImage, readPng } from "./images.ts";
import { addHelp } from "./help.ts";
import { interruptible } from "./interrupt.ts";
import { addMethodOptions, checkedOptions, givenOptions, usageOf } from "./method_options.ts";
import { checkFolder } from "./paths.ts";
import { formatTable, writeError, writeJson, writeSummary } from "./terminal.ts";

interface SegmentValues extends DeviceValues {
  readonly prototype?: readonly Point[];
  readonly out?: string;
  readonly json?: boolean;
}

const METHOD = { name: "segment", options: namedSpecs(SEGMENTATION_OPTIONS) };

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .argument("<image.png>", "grey or colour, 8 or 16 bits; transparency is left out")
    .option(
      "--prototype <x,y>",
      "a pixel whose surrounding patch is the prototype of a class; repeat it for each class",
      parsePoint,
    )
    .option("--out <dir>", "folder of the results (default: IMAGE-segments)");
  command.optionsGroup("Device:");
  addDeviceOptions(command);
  command.optionsGroup("Run:").option("--json", "print one JSON object");
  addMethodOptions(command, METHOD);
  addHelp(command, {
    details: DETAILS,
    about: "what is written",
    examples: [
      "segment photo.png --clusters 3",
      "segment photo.png --prototype 40,12 --prototype 200,180",
    ],
  });
  command.action(run);
}

const DETAILS = `
Writes into the folder:
  labels.png          the classes as colours
  class-K.png         how much every pixel belongs to class K: white wholly, black not at all
  reconstruction.png  the image as the prototypes draw it
in place of those of an earlier segmentation; a folder that holds anything else is refused.
`;

function parsePoint(text: string, earlier: readonly Point[] = []): readonly Point[] {
  const match = /^(\d+),(\d+)$/.exec(text);
  if (!match) {
    throw usageError(`--prototype takes a pixel such as 40,12, got ${JSON.stringify(text)}`);
  }
  return [...earlier, [Number(match[1]), Number(match[2])]];
}

async function run(path: string, values: SegmentValues): Promise<void> {
  const given = givenOptions(METHOD, values as unknown as Record<string, unknown>);
  checkedOptions(METHOD, () => resolveOptions("segment", SEGMENTATION_OPTIONS, given));
  const { prototype, out = `${path.replace(/\.png$/i, "")}-segments`, json } = values;
  const before = await earlierFiles(out, path);
  const image = await readPng(path);
  if (image.hasAlpha) writeError(`${path}: its transparency is left out\n`);
  const options = {
    ...given as Partial<SegmentationOptions>,
    ...(prototype === undefined ? {} : { prototypes: prototype }),
  };
  const result = await compute(image, options, values);
  const shares = sharesOf(result);
  const files = await writeFiles(out, image, result);
  // Of an earlier segmentation into more classes.
  const stale = before.filter((name) => !files.includes(name));
  await Promise.all(stale.map((name) => Deno.remove(`${out}/${name}`)));
  if (json) return writeJson({ folder: out, files, shares });
  const rows = shares.map((share, k) => [String(k), `${(100 * share).toFixed(1)} %`]);
  writeSummary(`${formatTable(["class", "pixels"], rows)}\n`);
  writeError(`\nThe images are in ${out}\n`);
}

/**
 * The files of the segmentation that a folder holds, which the new one replaces.
 * @throws {Failure} for a folder that holds anything else, the image itself above all.
 */
async function earlierFiles(out: string, image: string): Promise<string[]> {
  await checkFolder("--out", out);
  const names = await filesIn(out);
  const isWhole = ["labels.png", "reconstruction.png", "class-0.png"]
    .every((name) => names.includes(name));
  const pattern = /^(labels|reconstruction|class-\d+)\.png$/;
  const other = names.find((name) => !isWhole || !pattern.test(name));
  if (other !== undefined) {
    throw usageError(
      `--out ${out}: it holds ${other}, which is no part of a segmentation; name a folder, new or empty`,
    );
  }
  const own = await Deno.realPath(image).catch(() => undefined);
  const paths = await Promise.all(names.map((name) => Deno.realPath(`${out}/${name}`)));
  if (own === undefined || !paths.includes(own)) return names;
  throw usageError(`--out ${out}: the image is in it; name a folder, new or empty`);
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function compute(
  image: PngImage,
  options: Parameters<typeof segment>[1],
  device: DeviceValues,
): Promise<Segmentation> {
  const backend = await open(device);
  try {
    return await interruptible((context) => segment(image, options, { backend, ...context }));
  } catch (error) {
    // Options that do not go together, or with the image.
    throw usageOf(METHOD, error);
  } finally {
    await close(backend);
  }
}

/** Share of the pixels of each class. */
function sharesOf({ labels, clusters }: Segmentation): number[] {
  const counts = new Array<number>(clusters).fill(0);
  for (const label of labels) counts[label] += 1 / labels.length;
  return counts;
}

/** Writes the images; returns their names. */
async function writeFiles(
  folder: string,
  { height, width, channels, depth }: PngImage,
  { labels, soft, reconstruction, clusters }: Segmentation,
): Promise<string[]> {
  const map = (k: number) => ({
    data: Float32Array.from({ length: height * width }, (_, i) => soft[i * clusters + k]),
    height,
    width,
    channels: 1,
  });
  const drawn = { data: reconstruction, height, width, channels };
  const images: [name: string, png: Uint8Array][] = [
    ["labels.png", await encodePng(colourLabels(labels, height, width))],
    ["reconstruction.png", await encodePng(drawn, depth)],
  ];
  for (let k = 0; k < clusters; k++) images.push([`class-${k}.png`, await encodePng(map(k))]);
  await Deno.mkdir(folder, { recursive: true });
  for (const [name, png] of images) await writeFileAtomic(`${folder}/${name}`, png);
  return images.map(([name]) => name);
}
