/// <reference lib="dom" />
/** Keeps the page for when there is no network. */
import { byId } from "./dom.ts";

/** Registers the service worker, and says what it has done. */
export function offline(): void {
  const status = byId("offline", HTMLParagraphElement);
  if (!("serviceWorker" in navigator)) {
    status.textContent = "This browser keeps nothing for offline use.";
    return;
  }
  const { serviceWorker } = navigator;
  const isFirst = serviceWorker.controller === null;
  serviceWorker.register("./service_worker.js").then(
    () => serviceWorker.ready,
  ).then(
    () => {
      // Without the headers of `serve` the kept page has them: then all cores take part.
      const more = crossOriginIsolated ? "" : " Reload it to use all cores of the CPU.";
      status.textContent = `This page works offline.${more}`;
    },
    ({ message }: Error) => status.textContent = `This page does not work offline: ${message}`,
  );
  serviceWorker.addEventListener("controllerchange", () => {
    if (!isFirst) status.textContent = "A newer version of this page is here: reload to use it.";
  });
}
