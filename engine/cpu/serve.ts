import type { Barrier } from "./barrier.ts";
import type { Executor } from "./executor.ts";
import type { Answer, Request } from "./messages.ts";

/**
 * Serves one request on this thread. An exception outside of a run (a program that cannot be bound)
 * counts as a failure of the program and is reported by the next read, as one inside of a run is.
 */
export function serve(
  executor: Executor,
  barrier: Barrier,
  request: Request,
): Answer | undefined {
  switch (request.kind) {
    case "load":
      try {
        executor.load(request.plan);
      } catch (error) {
        barrier.fail((error as Error)?.message ?? String(error));
      }
      return undefined;
    case "unload":
      executor.unload(request.id);
      return undefined;
    case "run":
      executor.run(request.id, request.steps);
      break;
    case "fill":
      executor.fill(request.byteOffset, request.byteLength);
      break;
    case "write":
      executor.write(request.byteOffset, request.words);
      break;
    case "times":
      return { ticket: request.ticket, times: executor.times(request.id) };
    case "probe":
      return { ticket: request.ticket, seconds: executor.probe(request.probe) };
    case "read": {
      const failure = barrier.failure();
      if (failure !== undefined) {
        barrier.clear();
        return { ticket: request.ticket, failure };
      }
      return { ticket: request.ticket, arrays: executor.read(request.regions) };
    }
  }
  return { ticket: request.ticket };
}
