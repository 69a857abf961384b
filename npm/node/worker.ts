/** Entry of a thread on Node: the worker's module with the scope that it has elsewhere. */
import { parentPort } from "node:worker_threads";
import "../../engine/cpu/worker.ts";

const scope = globalThis as unknown as {
  onmessage(event: { data: unknown }): void;
  postMessage: unknown;
};
const port = parentPort!;
scope.postMessage = port.postMessage.bind(port);
port.on("message", (data) => scope.onmessage({ data }));
