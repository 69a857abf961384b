/** The pages of documentation: their links, their commands, and the length of the first one. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { run } from "./command_line.ts";

const ROOT = new URL("../", import.meta.url);
const FOLDER = [...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) => `docs/${name}`);
const PAGES = ["README.md", "CONTRIBUTING.md", ...FOLDER.filter((path) => path.endsWith(".md"))];

function isFile(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function read(page: string): string {
  return Deno.readTextFileSync(new URL(page, ROOT));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
  );
}

Deno.test("every link between pages and to files leads somewhere", () => {
  for (const page of PAGES) {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link]) => link);
    for (const link of links) {
      const [path, anchor] = link.split("#");
      const url = new URL(path || page.split("/").at(-1)!, new URL(page, ROOT));
      assert(isFile(url), `${page}: there is no ${link}`);
      if (anchor === undefined) continue;
      const anchors = anchorsOf(Deno.readTextFileSync(url));
      assert(anchors.includes(anchor), `${page}: ${link} is none of ${anchors.join(", ")}`);
    }
  }
});

Deno.test("every command line in the pages has options that exist", async () => {
  const lines = PAGES.flatMap((page) =>
    [
      ...read(page).replaceAll("\\\n", " ").matchAll(
        /deno run -P(?:=\w+)?(?: --allow-write=\S+)? cli\.ts ([^\n`#…]+)/g,
      ),
    ]
      .map(([, line]) => line.trim())
  );
  assert(lines.length > 0);
  for (const line of new Set(lines)) {
    const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
    const whole = await run([...words, "--help-all"]);
    const { code, out, err } = whole.code === 0 ? whole : await run([...words, "--help"]);
    assertEquals([code, err], [0, ""], line);
    for (const flag of words.filter((word) => /^--[a-z-]+$/.test(word))) {
      assertMatch(out, new RegExp(`^ +(-\\w, )?${flag}(?![\\w-])`, "m"), line);
    }
  }
});

Deno.test("the first page is no longer than 130 lines", () => {
  assert(read("README.md").trimEnd().split("\n").length <= 130);
});
