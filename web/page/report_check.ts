/** The report that the page makes, opened as the file that it is. */
import type { Page } from "playwright-core";
import { download } from "./keyboard.ts";

/** What a report of a training of DynAE on images has. */
const SECTIONS = ["summary", "map", "training", "scores", "confusion", "clusters", "time"];

/** Downloads the report and opens it beside the page. @param report Of whether it is whole. */
export async function openReport(
  page: Page,
  report: (passed: boolean, what: string) => void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/report.html`;
  await (await download(page, "report")).saveAs(file);
  const opened = await page.context().browser()!.newPage();
  const problems: string[] = [];
  opened.on("pageerror", ({ message }) => problems.push(message));
  opened.on("console", (message) => problems.push(message.text()));
  opened.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) problems.push(`asks for ${request.url()}`);
  });
  await opened.goto(`file://${file}`);
  const missing: string[] = [];
  for (const id of SECTIONS) {
    if (await opened.locator(`section#${id}`).count() === 0) missing.push(id);
  }
  const pictures = await opened.locator("#clusters img").count();
  const { size } = await Deno.stat(file);
  report(
    problems.length === 0 && missing.length === 0 && pictures > 0,
    `the report: ${size} bytes, ${pictures} pictures ${
      [...problems, ...missing.map((id) => `no ${id}`)].join(", ")
    }`.trimEnd(),
  );
  await opened.close();
  await Deno.remove(folder, { recursive: true });
}
