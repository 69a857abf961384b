/**
 * Reports in a real browser, at three widths, light and dark, on paper and without scripts: `deno task
 * report:check`, or with the path of Chromium (default: /usr/bin/chromium). Screenshots are kept where a
 * folder is named after it. Exits with 1 where something is wrong.
 */
import type { Browser, Page } from "playwright-core";
import { openChromium } from "../../web/chromium.ts";
import { inFolder, run } from "../command_line.ts";

const WIDTHS = [360, 800, 1400];
const SCHEMES = ["light", "dark"] as const;

const problems: string[] = [];

function expect(holds: boolean, what: string): void {
  if (!holds) problems.push(what);
}

/** Opens a file and notes errors and whatever it asks of a network. */
async function openPage(
  browser: Browser,
  path: string,
  name: string,
  options: Parameters<Browser["newPage"]>[0],
): Promise<Page> {
  const page = await browser.newPage(options);
  page.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
  page.on("console", (message) => problems.push(`${name}: ${message.text()}`));
  page.on("request", (request) => {
    expect(/^(file|data|blob):/.test(request.url()), `${name}: it asks for ${request.url()}`);
  });
  // The machine may have other work.
  page.setDefaultTimeout(120_000);
  await page.goto(`file://${path}`);
  return page;
}

/** What a person does by mouse and keys. */
async function use(page: Page, name: string): Promise<void> {
  const overflow = await page.evaluate(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  expect(overflow === 0, `${name}: it is ${overflow} pixels too wide`);
  for (const figure of await page.$$("figure:has(canvas)")) {
    expect(await figure.$("details table") !== null, `${name}: a picture has no table`);
  }
  if (await page.$("#map-canvas") === null) return;
  const said = () => page.innerText("#map-row");
  await page.focus("#map-canvas");
  await page.keyboard.press("ArrowRight");
  const first = await said();
  expect(/^Row \d+\ncluster \d+\nclass /.test(first), `${name}: by the keys it says ${first}`);
  await page.keyboard.press("ArrowLeft");
  expect(await said() !== first, `${name}: the arrow leads nowhere`);
  await page.keyboard.press("Escape");
  expect((await said()).startsWith("Point at"), `${name}: Escape leaves no row`);
  const cluster = await page.$eval("#map-filter option:nth-child(2)", (one) => one.textContent);
  await page.selectOption("#map-filter", { label: cluster! });
  await page.selectOption("#map-colour", "cls");
  await page.focus("#map-canvas");
  await page.keyboard.press("ArrowDown");
  expect((await said()).includes(`\n${cluster}\n`), `${name}: the filter shows ${await said()}`);
}

/** Every picture can be saved. */
async function saveAll(page: Page, name: string): Promise<void> {
  for (const kind of ["SVG", "PNG"]) {
    for (const button of await page.$$(`button:text("Save ${kind}")`)) {
      const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
      const bytes = await Deno.readFile(await download.path());
      const start = new TextDecoder().decode(bytes.subarray(1, 4));
      const isWhole = bytes.length > 500 && start === kind.replace("SVG", "svg");
      expect(isWhole, `${name}: ${download.suggestedFilename()} begins with ${start}`);
    }
  }
}

/** On paper and without scripts drawings stand in the place of canvases. */
async function checkDrawings(page: Page, name: string): Promise<void> {
  const count = (selector: string) => page.locator(`${selector}:visible`).count();
  const [canvases, drawings] = [await count("canvas"), await count("svg.drawing")];
  expect(canvases === 0 && drawings > 0, `${name}: ${canvases} canvases, ${drawings} drawings`);
}

async function check(browser: Browser, path: string, kind: string, shots?: string): Promise<void> {
  for (const width of WIDTHS) {
    for (const colorScheme of SCHEMES) {
      const name = `${kind}-${width}-${colorScheme}`;
      const viewport = { width, height: 900 };
      const page = await openPage(browser, path, name, { viewport, colorScheme });
      if (shots !== undefined) {
        await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
      }
      await use(page, name);
      if (width === WIDTHS[0]) await saveAll(page, name);
      await page.emulateMedia({ media: "print" });
      await checkDrawings(page, `${name}, on paper`);
      await page.close();
    }
  }
  const page = await openPage(browser, path, kind, { javaScriptEnabled: false });
  await checkDrawings(page, `${kind}, without scripts`);
  await page.close();
}

const [chromium, shots] = Deno.args;
const browser = await openChromium(chromium);
try {
  await inFolder(async (folder) => {
    const train = ["train", "--device", "cpu", "--threads", "1", "--limit", "600"];
    const small = ["--hidden", "32", "--latent", "4", "--steps", "280", "--pretrain-steps", "280"];
    const runs = [
      [...train, ...small, "--construction-steps", "140", "--out", "deep"],
      [...train, "--model", "kmeans", "--out", "shallow"],
      ["report", "deep", "shallow", "-o", "both.html"],
    ];
    for (const args of runs) {
      const { code, err } = await run(args, folder);
      if (code !== 0) throw new Error(err);
    }
    await check(browser, `${folder}/deep/report.html`, "deep", shots);
    await check(browser, `${folder}/shallow/report.html`, "shallow", shots);
    await check(browser, `${folder}/both.html`, "both", shots);
  });
} finally {
  await browser.close();
}
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? "ok" : `${problems.length} problems`);
Deno.exit(problems.length === 0 ? 0 : 1);
