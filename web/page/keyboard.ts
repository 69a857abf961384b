/** The page as it is used by keyboard, in a browser that is driven. */
import type { Download, Page } from "playwright-core";
import type { LogRow } from "../../models/estimator.ts";

/** A training on two busy cores may take long. */
const PATIENCE = 1_500_000;

/** More keys than there are places to go. */
const MOST_TABS = 200;

/**
 * Goes to an element by Tab alone.
 * @throws {Error} where Tab does not lead there.
 */
export async function focus(page: Page, id: string): Promise<void> {
  for (let i = 0; i < MOST_TABS; i++) {
    if (await page.evaluate("document.activeElement?.id") === id) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not lead to ${id}`);
}

/** Checks a radio button by the arrow keys, from the one of its group that Tab leads to. */
export async function check(page: Page, checked: string, wanted: string): Promise<void> {
  await focus(page, checked);
  for (let i = 0; i < MOST_TABS; i++) {
    if (await page.isChecked(`#${wanted}`)) return;
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`the arrow keys do not lead to ${wanted}`);
}

/** Replaces the text of a field. */
export async function type(page: Page, id: string, text: string): Promise<void> {
  await focus(page, id);
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Backspace");
  await page.keyboard.type(text);
}

/** Chooses the option of that value in a list. */
export async function choose(page: Page, id: string, value: string): Promise<void> {
  await focus(page, id);
  await page.keyboard.press("Home");
  for (let i = 0; i < MOST_TABS; i++) {
    if (await page.inputValue(`#${id}`) === value) return;
    await page.keyboard.press("ArrowDown");
  }
  throw new Error(`${id} has no option ${value}`);
}

/** Waits until an element's text matches. @throws {Error} where the page says that something failed. */
export async function until(page: Page, id: string, pattern: RegExp): Promise<void> {
  const text = () => page.textContent(`#${id}`);
  const end = performance.now() + PATIENCE;
  while (!pattern.test(await text() ?? "")) {
    const wrong = await page.locator(".wrong").allTextContents();
    if (wrong.length > 0) throw new Error(`the page says: ${wrong.join(" ")}`);
    if (performance.now() > end) throw new Error(`${id} still says ${await text()}`);
    await page.waitForTimeout(50);
  }
}

/** Waits until the page says that something is wrong. */
export async function untilWrong(page: Page, pattern: RegExp): Promise<void> {
  await page.locator(".wrong").filter({ hasText: pattern }).waitFor({ timeout: PATIENCE });
}

/** Waits for the end of a training. */
export async function waitForRun(page: Page): Promise<void> {
  await until(page, "status", /^Finished/);
}

/** One of the files of a finished run. */
export async function download(page: Page, file: string): Promise<Download> {
  await focus(page, `download-${file}`);
  const download = page.waitForEvent("download", { timeout: PATIENCE });
  await page.keyboard.press("Enter");
  return await download;
}

/** The text of labels.csv, which is downloaded. */
export async function labelsOf(page: Page): Promise<string> {
  return await Deno.readTextFile(await (await download(page, "labels")).path());
}

/** The rows of the log, as the summary that is downloaded has them. */
export async function logOf(page: Page): Promise<LogRow[]> {
  const file = await download(page, "summary");
  return JSON.parse(await Deno.readTextFile(await file.path())).history;
}

/** Audits to the end. @returns What the page says then, and how many rows the table has. */
export async function auditWith(
  page: Page,
  subject: string,
): Promise<{ said: string; rows: number }> {
  await choose(page, "audit-subject", subject);
  await focus(page, "audit");
  await page.keyboard.press("Enter");
  await until(page, "audit-status", /^(?!Auditing)./);
  const rows = await page.locator("#audit-table tbody tr:visible").count();
  return { said: await page.textContent("#audit-status") ?? "", rows };
}
