/** Pictures of the page, to be looked at. */
import type { Page } from "playwright-core";

/** Of a phone, a tablet and a desk, in pixels. */
const WIDTHS = [360, 800, 1400];

/** Writes a PNG of the whole page for each width and theme. */
export async function takePictures(page: Page, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.waitForTimeout(500);
      await page.screenshot({ path: `${folder}/${width}-${colorScheme}.png`, fullPage: true });
    }
  }
}
