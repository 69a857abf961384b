/** Classes against clusters. */
import { contingency, matchClusters } from "../models/evaluation/metrics.ts";
import { type Html, html } from "./html.ts";

/** How often each class meets each cluster, clusters in the order of the classes that they match. */
export interface Confusion {
  /** Names, in their order as numbers or as words. */
  readonly classes: readonly string[];
  /** Clusters without rows come last. */
  readonly clusters: readonly number[];
  /** The class of each cluster by the best one-to-one matching. */
  readonly matched: ReadonlyMap<number, string>;
  /** [classes][clusters] rows. */
  readonly counts: readonly (readonly number[])[];
}

/** @param names [n] of the rows' classes. @param labels [n], in [0, K). @param k K. */
export function confusionOf(names: readonly string[], labels: Uint32Array, k: number): Confusion {
  const order = new Intl.Collator("en", { numeric: true }).compare;
  const classes = [...new Set(names)].sort(order);
  const places = new Map(classes.map((name, i) => [name, i]));
  const truth = names.map((name) => places.get(name)!);
  const found = contingency(truth, labels);
  const matched = new Map(
    [...matchClusters(truth, labels)].map(([cluster, place]) => [cluster, classes[place]]),
  );
  const rank = (cluster: number) => {
    const name = matched.get(cluster);
    if (name !== undefined) return places.get(name)!;
    return classes.length + (found.clusters.includes(cluster) ? 0 : k) + cluster;
  };
  const clusters = Array.from({ length: k }, (_, c) => c).sort((a, b) => rank(a) - rank(b));
  const columns = clusters.map((cluster) => found.clusters.indexOf(cluster));
  const counts = classes.map((_, row) =>
    columns.map((column) => column < 0 ? 0 : found.counts[row * found.clusters.length + column])
  );
  return { classes, clusters, matched, counts };
}

/** The matrix as a table whose cells are shaded by their share of the class. */
export function confusionTable({ classes, clusters, matched, counts }: Confusion): Html {
  const caption = "Rows of each class (down) in each cluster (across)";
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="${caption}">
      <table class="confusion">
        <caption><span>${caption}. Outlined: the matched pairs, which ACC counts.</span></caption>
        <thead>
          <tr><th scope="col">class ↓<br>cluster →</th>${clusters.map((cluster) =>
            html`<th scope="col">${cluster}</th>`
          )}<th scope="col">found</th></tr>
        </thead>
        <tbody>${classes.map((name, row) => {
          const total = counts[row].reduce((a, b) => a + b, 0);
          const hit = clusters.findIndex((cluster) => matched.get(cluster) === name);
          const cells = counts[row].map((count, column) => {
            const share = count / total;
            const style = `--share:${share.toFixed(3)}`;
            const strong = share > 0.85 ? " strong" : "";
            const label = column === hit ? html`<span class="sr"> matched</span>` : undefined;
            return html`<td class="${column === hit ? "hit" : ""}${strong}" style="${style}">${
              count === 0 ? html`<span class="zero">0</span>` : count.toLocaleString("en-US")
            }${label}</td>`;
          });
          const found = hit < 0 ? "–" : `${(100 * counts[row][hit] / total).toFixed(1)} %`;
          return html`<tr><th scope="row">${name}</th>${cells}<td class="sum">${found}</td></tr>\n`;
        })}</tbody>
      </table>
    </div>
  `;
}
