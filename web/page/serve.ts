/** Serves the page on this machine. */
import type { Site } from "./build.ts";

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  gz: "application/gzip",
  html: "text/html; charset=utf-8",
  js: "text/javascript",
};

/** With these a page gets shared memory, and with it threads. */
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "X-Content-Type-Options": "nosniff",
};

/**
 * Serves a site to this machine alone, which browsers trust as they trust HTTPS.
 * @param port 0: any that is free.
 */
export function serveSite(site: Site, port: number): Deno.HttpServer<Deno.NetAddr> {
  const options = { port, hostname: "127.0.0.1", onListen() {} };
  return Deno.serve(options, (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === "/" ? "index.html" : pathname.slice(1);
    const bytes = site.get(path);
    if (bytes === undefined) return new Response("not found\n", { status: 404, headers: HEADERS });
    const type = TYPES[path.split(".").at(-1)!];
    const headers = { ...HEADERS, "content-type": type, "cache-control": "no-cache" };
    return new Response(bytes as BodyInit, { headers });
  });
}
