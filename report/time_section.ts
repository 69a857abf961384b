/** Where the time of a run's steps went, phase by phase. */
import { formatCount, formatNumber } from "../engine/inspect/text.ts";
import type { PhaseTimes } from "../models/estimator.ts";
import { percent } from "./cluster_section.ts";
import { bar, breakable, type Html, html, table } from "./html.ts";
import type { ReportedRun } from "./run.ts";

/** A card for each phase: its kernels, the slowest first, a bar each. */
export function timeFigures({ times }: Pick<ReportedRun, "times">): Html {
  return html`
    <p
      class="fine">Means over a sample of the steps, measured while they ran; a bar is as long as the kernel's
    share of the slowest one's time.</p>
    <div class="cards">${times.map(card)}</div>
  `;
}

function card({ phase, steps, kernels }: PhaseTimes): Html {
  const whole = kernels.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const longest = Math.max(...kernels.map(({ milliseconds }) => milliseconds));
  const rows = kernels.map(({ kernel, calls, milliseconds }) => [
    breakable(kernel),
    String(Number(calls.toFixed(1))),
    bar(milliseconds / longest, formatNumber(milliseconds)),
    percent(milliseconds / whole),
  ]);
  const caption = `${formatNumber(whole)} ms a step, by ${formatCount(steps)} that were timed`;
  return html`<section class="card"><h3>${phase}</h3>${
    table(caption, ["kernel", "calls", "ms a step", "share"], rows)
  }</section>\n`;
}
