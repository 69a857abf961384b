/** The page's own arithmetic, its files, and its server. The page itself: `deno task page:check`. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { buildPage } from "../web/page/build.ts";
import { Projection } from "../web/page/engine/projection.ts";
import { serveSite } from "../web/page/serve.ts";
import { run } from "./command_line.ts";

/** Codes [n, 3] that differ most along (3, 4, 0)/5, then along (0, 0, 1). */
function codesOf(n: number): Float32Array {
  const along = (i: number) => Math.sin(i), across = (i: number) => 0.2 * Math.cos(3 * i);
  return Float32Array.from({ length: 3 * n }, (_, at) => {
    const i = Math.floor(at / 3);
    return [7 + 3 * along(i), 4 * along(i), across(i)][at % 3];
  });
}

Deno.test("the map has the two principal axes, and keeps their directions", () => {
  const n = 500;
  const codes = codesOf(n);
  const projection = new Projection();
  const points = projection.project(codes, 3);
  const mean = Array.from({ length: n }, (_, i) => Math.sin(i)).reduce((a, b) => a + b) / n;
  const sign = Math.sign(points[2] / (Math.sin(1) - mean));
  for (let i = 0; i < n; i++) {
    assertAlmostEquals(points[2 * i], sign * 5 * (Math.sin(i) - mean), 1e-2);
  }
  // The same codes turned a little are shown turned a little, not mirrored.
  const turned = projection.project(codes.map((value, at) => at % 3 === 2 ? -value : value), 3);
  assertAlmostEquals(turned[0], points[0], 1e-2);
  assertAlmostEquals(turned[1], -points[1], 1e-2);
});

Deno.test("codes of one column lie on a line", () => {
  const points = new Projection().project(Float32Array.of(1, 2, 6), 1);
  assertEquals([points[1], points[3], points[5]], [0, 0, 0]);
  assertAlmostEquals(Math.abs(points[4] - points[0]), 5, 1e-5);
});

Deno.test("the page is built of files that are all there, and served with their types", async () => {
  const site = await buildPage();
  const server = serveSite(site, 0);
  const address = `http://127.0.0.1:${server.addr.port}/`;
  try {
    const html = await (await fetch(address)).text();
    const named = [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map(([, path]) => path);
    assertEquals(named.toSorted(), ["page.css", "page.js"]);
    for (const path of [...named, "engine.js", "audit.js", "worker.js", "service_worker.js"]) {
      const response = await fetch(address + path);
      await response.body?.cancel();
      assertEquals(response.status, 200, path);
      assert(response.headers.get("content-type")!.startsWith("text/"), path);
      assertEquals(response.headers.get("cross-origin-embedder-policy"), "require-corp");
    }
    const missing = await fetch(`${address}../deno.json`);
    await missing.body?.cancel();
    assertEquals(missing.status, 404);
  } finally {
    await server.shutdown();
  }
});

Deno.test("serve says which permissions it needs, and which ports there are", async () => {
  const refused = await run(["serve"]);
  assertEquals(refused.code, 2);
  assert(refused.err.includes("start it with deno run -P=serve cli.ts serve"), refused.err);
  const port = await run(["serve", "--port", "70000"]);
  assertEquals([port.code, port.err.includes("from 0 to 65535, got 70000")], [2, true]);
});
