/** The colours of clusters and classes, which go with a light and with a dark page. */

const FIRST = [
  ...["#4e86c6", "#f08c2e", "#3fa45b", "#e0555b", "#9467bd", "#b5831f", "#d873b4", "#21a6a6"],
  ...["#8c8c93", "#a3b52a", "#6f6fe0", "#c7603a"],
];
/** Degrees by which hues follow one another: the golden angle, by which none comes near another soon. */
const TURN = 137.508;

/** As many colours as there are clusters or classes. */
export function coloursOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const lightness = [55, 45, 65][i % 3];
    return FIRST[i] ?? `hsl(${Math.round(i * TURN) % 360} 60% ${lightness}%)`;
  });
}

/** CSS that gives elements of a cluster its colour as `--own`. */
export function colourRules(colours: readonly string[]): string {
  return colours.map((colour, i) => `[data-cluster="${i}"]{--own:${colour}}`).join("\n");
}
