/** The threads of the CPU backend, as the main thread sees them. */
import { KERNELS } from "../../kernels/registry.ts";
import { Barrier, BARRIER_BYTES } from "./barrier.ts";
import { Executor } from "./executor.ts";
import type { Answer, CrewParts, Request, StartMessage } from "./messages.ts";
import { serve } from "./serve.ts";

/** Something that serves requests in order, without blocking the caller. */
export interface Crew {
  /** How many threads work. */
  readonly threads: number;
  /** Hands a request over. Answers arrive at the listener in order. */
  submit(request: Request, transfer?: ArrayBuffer[]): void;
  /** Called with each answer. */
  onAnswer: (answer: Answer) => void;
  /** Called where the crew is lost: a thread died outside of a kernel. */
  onLoss: (reason: string) => void;
  /** Ends the threads, in the middle of a request if need be. */
  stop(): void;
}

/** What every worker takes part in; the rest is thread 0's. */
const FOR_ALL: ReadonlySet<Request["kind"]> = new Set(["load", "unload", "run", "probe"]);

/** Deno's permission query, where there is one. */
interface PermissionHost {
  Deno?: {
    permissions: {
      querySync(descriptor: { name: "read"; path: string }): { state: string };
    };
  };
}

/**
 * Why workers cannot be started here, or undefined. Asking first matters under Deno, which prints an
 * uncaught error for a worker whose module it may not read.
 */
function obstacle(url: URL): string | undefined {
  if (typeof Worker === "undefined") return "no Worker";
  const { Deno } = globalThis as PermissionHost;
  if (Deno === undefined || url.protocol !== "file:") return undefined;
  const path = decodeURIComponent(url.pathname);
  return Deno.permissions.querySync({ name: "read", path }).state === "granted"
    ? undefined
    : "no permission to read the worker's module (--allow-read)";
}

/**
 * Starts one module worker a thread. The memory must be shared. Programs with kernels of their own stay
 * on the calling thread.
 * @throws {Error} with the reason where a worker cannot start.
 */
export async function startWorkers(parts: CrewParts, threads: number): Promise<Crew> {
  const url = new URL("./worker.ts", import.meta.url);
  const reason = obstacle(url);
  if (reason !== undefined) throw new Error(reason);
  const block = new SharedArrayBuffer(BARRIER_BYTES);
  const workers: Worker[] = [];
  const stop = () => workers.forEach((worker) => worker.terminate());
  const crew: Crew = {
    threads,
    submit(request, transfer = []) {
      if (FOR_ALL.has(request.kind)) workers.forEach((worker) => worker.postMessage(request));
      else workers[0].postMessage(request, transfer);
    },
    onAnswer: () => {},
    onLoss: () => {},
    stop,
  };
  try {
    await Promise.all(Array.from({ length: threads }, (_, thread) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const name = `dynae cpu ${thread}`;
      // Bundlers find the worker's module by this very form.
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name });
      workers.push(worker);
      worker.onmessage = ({ data }) => data === "ready" ? resolve() : crew.onAnswer(data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
        crew.onLoss(event.message);
      };
      const start: StartMessage = { ...parts, barrier: block, thread, threads };
      worker.postMessage(start);
      return promise;
    }));
  } catch (error) {
    stop();
    throw error;
  }
  return takingTurns(crew, () => startInline(parts, block));
}

/**
 * Two crews over one memory that serve the requests in the order in which they come: programs that
 * bring a kernel of their own are for `makeCaller`'s, all else is for the workers. One begins when the
 * other has answered everything.
 */
function takingTurns(workers: Crew, makeCaller: () => Crew): Crew {
  let caller: Crew | undefined;
  let active = workers;
  let unanswered = 0;
  const queue: (readonly [Request, ArrayBuffer[] | undefined])[] = [];
  /** Of the programs that are the caller's; of those unloaded too, whose times may be asked for. */
  const ids = new Set<number>();

  const isForCaller = (request: Request): boolean => {
    if (request.kind === "load") return request.plan.calls.some(({ own }) => own !== undefined);
    return "id" in request && ids.has(request.id);
  };
  const crewOf = (request: Request): Crew => {
    if (!isForCaller(request)) return workers;
    if (request.kind === "load") ids.add(request.plan.id);
    return caller ??= Object.assign(makeCaller(), { onAnswer });
  };
  const forward = () => {
    for (let next = queue.at(0); next; next = queue.at(0)) {
      const [request, transfer] = next;
      const crew = crewOf(request);
      if (crew !== active && unanswered > 0) return;
      active = crew;
      queue.shift();
      if ("ticket" in request) unanswered++;
      crew.submit(request, transfer);
    }
  };
  const onAnswer = (answer: Answer) => {
    unanswered--;
    joint.onAnswer(answer);
    forward();
  };
  const joint: Crew = {
    threads: workers.threads,
    submit(request, transfer) {
      queue.push([request, transfer]);
      forward();
    },
    onAnswer: () => {},
    onLoss: () => {},
    stop() {
      workers.stop();
      caller?.stop();
    },
  };
  workers.onAnswer = onAnswer;
  workers.onLoss = (reason) => joint.onLoss(reason);
  return joint;
}

/** Milliseconds of work after which the one-thread crew lets the event loop turn. */
const TURN = 20;

/**
 * A crew of one on the calling thread, for where there are no workers or no shared memory, and for
 * kernels that workers do not know. It works step by step and lets the event loop turn between steps.
 * @param block Where it notes failures, of {@linkcode BARRIER_BYTES}.
 */
export function startInline(
  parts: CrewParts,
  block: SharedArrayBuffer | ArrayBuffer = new ArrayBuffer(BARRIER_BYTES),
): Crew {
  const barrier = new Barrier(block, 1);
  const executor = new Executor(parts, KERNELS, barrier, 0, 1);
  const queue: Request[] = [];
  let working = false;
  let stopped = false;

  const work = async () => {
    working = true;
    let turn = performance.now();
    const breathe = async () => {
      if (performance.now() - turn < TURN) return;
      await new Promise((resolve) => setTimeout(resolve));
      turn = performance.now();
    };
    await Promise.resolve();
    for (let request = queue.shift(); request && !stopped; request = queue.shift()) {
      if (request.kind === "run") {
        for (let step = 1; step < request.steps && !stopped; step++) {
          executor.run(request.id, 1);
          await breathe();
        }
        request = { ...request, steps: Math.min(request.steps, 1) };
      }
      const answer = serve(executor, barrier, request);
      if (answer !== undefined) crew.onAnswer(answer);
      await breathe();
    }
    working = false;
  };

  const crew: Crew = {
    threads: 1,
    submit(request) {
      queue.push(request);
      if (!working) work();
    },
    onAnswer: () => {},
    onLoss: () => {},
    stop: () => void (stopped = true),
  };
  return crew;
}
