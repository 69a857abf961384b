/** Rows of one's own in the page: a table, an array, and images. */
import { Buffer } from "node:buffer";
import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { encodeNpy } from "../../datasets/npy.ts";
import { check, choose, focus, labelsOf, type, until, waitForRun } from "./keyboard.ts";

/** Rows of each of the two groups, which any method tells apart. */
const EACH = 20;

const groups = Array.from({ length: 2 * EACH }, (_, i) => i < EACH ? 0 : 1);

/** A value near that of the row's group. */
const valueOf = (i: number, j: number) => 10 * groups[i] + ((7 * i + 3 * j) % 5) / 5;

interface OwnFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

/** The same groups as files of each kind. */
function filesOf(): Readonly<Record<string, OwnFile[]>> {
  const lines = groups.map((group, i) => `${valueOf(i, 0)},${valueOf(i, 1)},g${group}`);
  const array = Float32Array.from(
    { length: 2 * groups.length },
    (_, at) => valueOf(Math.floor(at / 2), at % 2),
  );
  const images = groups.map((_, i) => {
    const data = Uint8Array.from({ length: 16 }, (_, j) => 20 * valueOf(i, j));
    const png = encode({ width: 4, height: 4, data, channels: 1, depth: 8 });
    return { name: `${100 + i}.png`, mimeType: "image/png", buffer: Buffer.from(png) };
  });
  return {
    "a table with classes": [{
      name: "rows.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(`a,b,group\n${lines.join("\n")}\n`),
    }],
    "an array": [{
      name: "rows.npy",
      mimeType: "application/octet-stream",
      buffer: Buffer.from(encodeNpy(array, [groups.length, 2])),
    }],
    images,
  };
}

/** Clusters each by k-means. @param report Of whether the groups were found. */
export async function clusterOwnFiles(
  page: Page,
  report: (passed: boolean, what: string) => void,
): Promise<void> {
  await check(page, "digits", "own-files");
  for (const [kind, files] of Object.entries(filesOf())) {
    await type(page, "class-column", kind.includes("classes") ? "last" : "");
    await page.keyboard.press("Tab");
    await page.setInputFiles("#files", files);
    await until(page, "data-status", new RegExp(`${groups.length} rows`));
    await choose(page, "model", "kmeans");
    await type(page, "option-clusters", "2");
    await focus(page, "train");
    await page.keyboard.press("Enter");
    await waitForRun(page);
    const lines = (await labelsOf(page)).trim().split("\n").slice(1);
    const labels = lines.map((line) => Number(line.split(",")[kind === "images" ? 2 : 1]));
    const isRight = labels.every((label, i) => (label === labels[0]) === (groups[i] === 0));
    report(isRight && labels.length === groups.length, `k-means of ${kind}`);
  }
}
