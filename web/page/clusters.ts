/// <reference lib="dom" />
/** The clusters: a button each with its image and size, which picks it out of the map. */
import { byId, make } from "./dom.ts";
import type { Picture } from "./messages.ts";
import { groupColour } from "./palette.ts";

/** What is shown. */
export interface ClustersContent {
  /** Rows of each, [K]. */
  readonly sizes: readonly number[];
  /** [K, d]; absent for rows that are no images. */
  readonly images?: Float32Array;
  /** How they are drawn. */
  readonly picture?: Picture;
}

/** Fills the list `clusters`. */
export class ClusterList {
  private readonly list = byId("clusters", HTMLUListElement);
  private readonly buttons: HTMLButtonElement[] = [];

  /** `onChoose` is called with a cluster, or undefined for all. */
  constructor(private readonly onChoose: (cluster: number | undefined) => void) {}

  /** Shows clusters; those that are there keep their buttons, and with them the focus. */
  show({ sizes, images, picture }: ClustersContent): void {
    while (this.buttons.length > sizes.length) this.buttons.pop()!.parentElement!.remove();
    while (this.buttons.length < sizes.length) this.add(this.buttons.length);
    const d = images ? images.length / sizes.length : 0;
    for (const [k, button] of this.buttons.entries()) {
      const swatch = make("span", { className: "swatch" });
      swatch.style.background = groupColour(k, sizes.length);
      const rows = `${sizes[k].toLocaleString("en")} ${sizes[k] === 1 ? "row" : "rows"}`;
      button.replaceChildren(
        ...images && picture ? [imageOf(images.subarray(k * d, (k + 1) * d), picture)] : [],
        make("span", {}, swatch, `cluster ${k}`),
        make("span", { className: "quiet" }, rows),
      );
    }
  }

  /** Takes everything away. */
  clear(): void {
    this.buttons.length = 0;
    this.list.replaceChildren();
  }

  private add(k: number): void {
    const button = make("button", { type: "button", ariaPressed: "false" });
    button.addEventListener("click", () => {
      const isChosen = button.ariaPressed === "true";
      for (const other of this.buttons) other.ariaPressed = "false";
      button.ariaPressed = String(!isChosen);
      this.onChoose(isChosen ? undefined : k);
    });
    this.buttons.push(button);
    this.list.append(make("li", {}, button));
  }
}

/** A canvas of one image. @param values [d] */
function imageOf(values: Float32Array, { height, width, channels, range }: Picture) {
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(width, height);
  const [black, white] = range;
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = values[i * channels + Math.min(c, channels - 1)];
      image.data[4 * i + c] = 255 * (value - black) / (white - black || 1);
    }
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}
