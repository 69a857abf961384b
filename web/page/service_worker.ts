/**
 * Keeps the whole page, and answers from what is kept: works offline after the first load. Its answers
 * carry the headers that shared memory needs, wherever the page is served.
 */

/** Filled in by the build: all files, and a digest of their bytes. */
declare const FILES: readonly string[];
declare const DIGEST: string;

/** What the library's types do not describe. */
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends Event {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
const scope = globalThis as unknown as {
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
};

const PREFIX = "dynae page ";
const NAME = PREFIX + DIGEST;
const base = new URL("./", location.href);

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await Promise.all(FILES.map(async (path) => {
    const url = new URL(path, base);
    const response = await fetch(url, { cache: "no-store" });
    if (!response.ok) throw new Error(`${path}: HTTP status ${response.status}`);
    await cache.put(url, response);
  }));
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  }
  await scope.clients.claim();
}

async function answer(request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.href === base.href) url.pathname += "index.html";
  const kept = await (await caches.open(NAME)).match(url);
  if (!kept) return await fetch(request);
  const headers = new Headers(kept.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(kept.body, { status: kept.status, headers });
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  if (event.request.method === "GET" && event.request.url.startsWith(base.href)) {
    event.respondWith(answer(event.request));
  }
});
