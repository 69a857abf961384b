/// <reference lib="dom" />
/** A colour for each cluster or class, legible on light and on dark. */

/** Lightnesses take turns, so that neighbours on the colour circle differ in more than their hue. */
const LIGHTNESSES = [0.62, 0.74, 0.54];

/** The colour of group i of `count`. */
export function groupColour(i: number, count: number): string {
  return `oklch(${LIGHTNESSES[i % LIGHTNESSES.length]} 0.16 ${(360 * i / count + 20) % 360})`;
}
