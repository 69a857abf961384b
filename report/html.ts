/** HTML in which whatever is filled in stays text. */

/** Markup: text that needs no escaping any more. */
export class Html {
  /** Of {@linkcode html} and {@linkcode raw} alone. */
  constructor(private readonly text: string) {}

  /** The markup. */
  toString(): string {
    return this.text;
  }
}

/** What a template may hold: lists one after another, and of what is false or absent, nothing. */
export type Content = Html | string | number | false | undefined | readonly Content[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text as it stands in elements and in quoted attributes; control characters are left out. */
export function escapeHtml(text: string): string {
  return text
    // deno-lint-ignore no-control-regex
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, "")
    .replace(/[&<>"']/g, (sign) => ESCAPES[sign]);
}

/** A template whose values are escaped, unless they are markup. */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  return new Html(
    parts.map((part, i) => i < values.length ? part + textOf(values[i]) : part).join(""),
  );
}

/** Markup of our own making as it is. */
export function raw(markup: string): Html {
  return new Html(markup);
}

function textOf(value: Content): string {
  if (value === undefined || value === false) return "";
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(textOf).join("");
  return escapeHtml(String(value));
}

/** JSON that may stand in a script element. */
export function scriptJson(value: unknown): Html {
  return raw(
    JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
}

/** A table with a caption, its first column naming the rows; numbers are strings already. */
export function table(
  caption: string,
  header: readonly Content[],
  rows: readonly (readonly Content[])[],
): Html {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="${caption}">
      <table>
        <caption><span>${caption}</span></caption>
        <thead>
          <tr>${header.map((title) => html`<th scope="col"><span>${title}</span></th>`)}</tr>
        </thead>
        <tbody>${rows.map(([name, ...cells]) =>
          html`<tr><th scope="row"><span>${name}</span></th>${
            cells.map((cell) => html`<td>${cell}</td>`)
          }</tr>\n`
        )}</tbody>
      </table>
    </div>
  `;
}

/** A number with a bar before it. @param size Of the bar, in [0, 1]. */
export function bar(size: number, text: string): Html {
  const length = `--size:${size.toFixed(3)}`;
  return html`
    <span
      class="measured"><span class="bar"><span style="${length}"></span></span><span>${text}</span></span>
  `;
}

/** A name that may break after its words. */
export function breakable(name: string): Html {
  return html`${name.split(/(?<=[_=])/).map((word, i) => html`${i > 0 && html`<wbr>`}${word}`)}`;
}

/** A sentence whose options, such as --steps, do not break after a hyphen. */
export function withOptions(text: string): Html {
  const parts = text.split(/(--[a-z][a-z-]*)/);
  return html`${
    parts.map((part, i) => i % 2 === 0 ? part : html`<span class="whole">${part}</span>`)
  }`;
}

/** The table behind a picture. */
export function behind(content: Html): Html {
  return html`<details><summary>As a table</summary>${content}</details>`;
}
