/** Workers of node:worker_threads with the part of the web's interface that the crew of threads uses. */
import { Worker as Thread } from "node:worker_threads";

/** A thread that runs a module. */
export class Worker {
  /** Called with what the thread posts. */
  onmessage: ((event: { data: unknown }) => void) | null = null;
  /** Called where the thread dies of an error. */
  onerror: ((event: { message: string; preventDefault(): void }) => void) | null = null;
  private readonly thread: Thread;

  /** Starts it. */
  constructor(url: URL, { name }: { readonly name: string }) {
    this.thread = new Thread(url, { name });
    this.thread.on("message", (data) => this.onmessage?.({ data }));
    this.thread.on("error", (error: Error) => {
      this.onerror?.({ message: error.message, preventDefault() {} });
    });
  }

  /** Sends a message; what is listed moves there. */
  postMessage(message: unknown, transfer: ArrayBuffer[] = []): void {
    this.thread.postMessage(message, transfer);
  }

  /** Ends it at once. */
  terminate(): void {
    this.thread.terminate();
  }
}
