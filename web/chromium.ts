/** A real browser, and a server of the files that it opens. */
import { type Browser, chromium } from "playwright-core";

/** With these a page gets shared memory, and with it threads. */
const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css",
  html: "text/html",
  js: "text/javascript",
};

/** Starts Chromium with WebGPU. @param path Of its program. */
export function openChromium(path = "/usr/bin/chromium"): Promise<Browser> {
  return chromium.launch({
    executablePath: path,
    args: [
      "--no-sandbox",
      "--headless=new",
      "--enable-unsafe-webgpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-quic",
      "--no-first-run",
    ],
  });
}

/** Serves a folder on a free port of this machine. @param index The page at `/`; absent: index.html. */
export function serveFolder(folder: string, index?: string): Deno.HttpServer<Deno.NetAddr> {
  const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
  return Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    const path = pathname === "/" ? "/index.html" : pathname;
    const type = TYPES[path.split(".").at(-1)!] ?? "application/octet-stream";
    const headers = { ...HEADERS, "content-type": type };
    if (pathname === "/" && index !== undefined) return new Response(index, { headers });
    try {
      return new Response(await Deno.readFile(folder + path), { headers });
    } catch {
      return new Response(null, { status: 404, headers: HEADERS });
    }
  });
}
