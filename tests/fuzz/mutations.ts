/** Valid files, changed as damage and malice change them; the same seed gives the same file. */

import { joined } from "../archives.ts";

/** Numbers in [0, 1) of a seed: mulberry32. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** In [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Whether something of this probability happens. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of a list. */
  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

/** Where fields of a header lie, most of the time. */
const HEAD = 128;
const BYTES = [0, 1, 2, 8, 0x20, 0x2c, 0x30, 0x7f, 0x80, 0xff];
const NUMBERS = [0, 1, 2, 255, 256, 65535, 2 ** 16, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** One change half of the time, up to five else. */
function changes(dice: Dice): number {
  return dice.chance(0.5) ? 1 : 2 + dice.below(4);
}

/** A file with some changes. @param others Whose parts may get into it. */
export function mutate(
  dice: Dice,
  bytes: Uint8Array,
  others: readonly Uint8Array[] = [bytes],
): Uint8Array {
  let result: Uint8Array = bytes.slice();
  for (let left = changes(dice); left > 0; left--) result = changed(dice, result, others);
  return result;
}

function changed(dice: Dice, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const n = bytes.length;
  if (n === 0) return Uint8Array.of(dice.below(256));
  const at = dice.chance(0.6) ? dice.below(Math.min(n, HEAD)) : dice.below(n);
  const to = Math.min(n, at + 1 + dice.below(dice.chance(0.5) ? 8 : 64));
  const [before, part, after] = [bytes.subarray(0, at), bytes.slice(at, to), bytes.subarray(to)];
  switch (dice.below(9)) {
    case 0:
      bytes[at] ^= 1 << dice.below(8);
      return bytes;
    case 1:
      bytes[at] = dice.chance(0.5) ? dice.of(BYTES) : dice.below(256);
      return bytes;
    case 2: {
      const value = dice.chance(0.7) ? dice.of(NUMBERS) : n - 2 + dice.below(4);
      const view = new DataView(bytes.buffer);
      if (at + 4 <= n) view.setUint32(at, value, dice.chance(0.5));
      return bytes;
    }
    case 3:
      return bytes.slice(0, at);
    case 4:
      return joined([before, after]);
    case 5:
      return joined([before, part, part, after]);
    case 6:
      return joined([before, part.map(() => dice.below(256)), after]);
    case 7:
      return joined([bytes, part]);
    default: {
      const other = dice.of(others);
      return joined([before, other.subarray(dice.below(other.length + 1))]);
    }
  }
}

const WORDS = [
  ...["", " ", ",", ";", "\t", '"', '""', "\n", "\r", "\r\n", "#", "\ufeff", "\0", "\x1b[2J", "é"],
  ...["nan", "NaN", "inf", "-inf", "Infinity", "1e999", "1e-400", "-0", "0x10", "1_0", "1,5", "+"],
  ...["--1", ".", "-", "e5", "9007199254740993", "3.4028236e38", "null", "?", "NA", "true", "x"],
];

/** Text with some of its words replaced, doubled or left out. */
export function mutateText(dice: Dice, text: string): string {
  const words = text.split(/(\r\n|[,;\s"])/);
  for (let left = changes(dice); left > 0; left--) {
    const at = dice.below(words.length);
    const word = dice.chance(0.2) ? dice.of(words) : dice.of(WORDS);
    words[at] = dice.chance(0.8) ? word : words[at] + word;
  }
  return words.join("");
}

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 0.5, 1e300, -0, 2 ** 53, "", "x", "../x", "/", "__proto__", "NaN"],
  ...[[], {}, [[]], [null], { length: -1 }, "0".repeat(64), "\x1b[31m", 4, 3, "finished", "kmeans"],
];

/** JSON with some of its values replaced, left out, added or moved. */
export function mutateJson(dice: Dice, value: unknown): unknown {
  const root = { value: structuredClone(value) };
  for (let left = changes(dice); left > 0; left--) {
    const places: [holder: Record<string, unknown>, key: string][] = [];
    const visit = (holder: Record<string, unknown>) => {
      for (const key of Object.keys(holder)) {
        places.push([holder, key]);
        const inner = holder[key];
        if (typeof inner === "object" && inner !== null) visit(inner as Record<string, unknown>);
      }
    };
    visit(root);
    const [holder, key] = dice.of(places);
    const isRoot = holder === root as unknown;
    switch (isRoot && dice.chance(0.9) ? 3 : dice.below(4)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else if (!isRoot) delete holder[key];
        break;
      case 1:
        if (Array.isArray(holder)) holder.push(structuredClone(dice.of(VALUES)));
        else if (!isRoot) {
          holder[dice.of(["x", "kind", "0", "length"])] = structuredClone(dice.of(VALUES));
        }
        break;
      case 2: {
        const [other, from] = dice.of(places);
        if (!isRoot) holder[key] = structuredClone(other[from]);
        break;
      }
      default:
        if (!isRoot || dice.chance(0.1)) holder[key] = structuredClone(dice.of(VALUES));
    }
  }
  return root.value;
}
