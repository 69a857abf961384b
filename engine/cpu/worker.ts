/** Entry of a thread of the CPU backend: a module worker that serves requests in order. */
import { KERNELS } from "../../kernels/registry.ts";
import { Barrier } from "./barrier.ts";
import { Executor } from "./executor.ts";
import type { StartMessage } from "./messages.ts";
import { serve } from "./serve.ts";

/** The worker's global scope, which the page's library types do not describe. */
const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
};

scope.onmessage = (event: MessageEvent<StartMessage>) => {
  const { barrier: block, thread, threads } = event.data;
  const barrier = new Barrier(block, threads);
  const executor = new Executor(event.data, KERNELS, barrier, thread, threads);
  scope.onmessage = ({ data }) => {
    const answer = serve(executor, barrier, data);
    if (answer === undefined || thread > 0) return;
    scope.postMessage(answer, answer.arrays?.map((array) => array.buffer as ArrayBuffer));
  };
  scope.postMessage("ready");
};
