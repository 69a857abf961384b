/** The page around the sections: styles, scripts, and the rule that it asks nobody for anything. */
import { colourRules, coloursOf } from "./colours.ts";
import type { Chart } from "./curves.ts";
import { type Content, type Html, html, raw, scriptJson } from "./html.ts";
import script from "./page/report.js" with { type: "text" };
import style from "./page/report.css" with { type: "text" };

/** A part of a page. */
export interface Section {
  /** Its anchor. */
  readonly id: string;
  /** Its heading. */
  readonly title: string;
  /** What it shows. */
  readonly content: Content;
}

/** A section; undefined without content. */
export function section(id: string, title: string, content: Content): Section | undefined {
  const isEmpty = Array.isArray(content) ? !content.some(Boolean) : !content;
  return isEmpty ? undefined : { id, title, content };
}

/** What the script draws. */
export interface PageData {
  /** Curves. */
  readonly charts: readonly Chart[];
  /** See `mapData`. */
  readonly map?: Record<string, unknown> | undefined;
}

/** @param colours Most clusters or classes that are to be told apart. */
export async function page({ title, sections, data, colours: count }: {
  readonly title: string;
  readonly sections: readonly (Section | undefined)[];
  readonly data: PageData;
  readonly colours: number;
}): Promise<string> {
  const colours = coloursOf(count);
  const shown = sections.filter((one) => one !== undefined);
  const [uplot, uplotStyle] = await Promise.all([
    import("uplot/dist/uPlot.iife.min.js", { with: { type: "text" } }),
    import("uplot/dist/uPlot.min.css", { with: { type: "text" } }),
  ]);
  const scripts = [uplot.default, script];
  const hashes = await Promise.all(scripts.map(hashOf));
  const policy = `default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src ${
    hashes.map((hash) => `'sha256-${hash}'`).join(" ")
  }; base-uri 'none'; form-action 'none'`;
  return html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title}</title>
        <link rel="icon" href="data:,">
        <style>${raw(uplotStyle.default)}
    ${raw(style)}
    ${raw(colourRules(colours))}</style>
      </head>
      <body>
    <a class="skip" href="#main">Skip to the report</a>
    <header><h1>${title}</h1>
    <nav aria-label="Sections"><ul>${shown.map(({ id, title }) =>
      html`<li><a href="#${id}">${title}</a></li>`
    )}</ul></nav></header>
    <main id="main">
    ${shown.map(sectionHtml)}
    </main>
    <footer>Made by dynae. This page holds everything that it shows and loads nothing.</footer>
    <script type="application/json" id="data">${scriptJson({ ...data, colours })}</script>
    ${scripts.map((text) => html`<script>${raw(text)}</script>\n`)}
      </body>
    </html>
  `.toString();
}

function sectionHtml({ id, title, content }: Section): Html {
  return html`
    <section id="${id}"
      aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
    ${content}</section>
  `;
}

async function hashOf(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}
