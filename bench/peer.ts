/**
 * Contenders that are programs of their own. The protocol: the program prints a line with its name and
 * version, then answers every line `COUNT` with a line `SECONDS [VALUE]`: the time that COUNT units of
 * work took, and what the last one came to. It ends when its input does. A program that cannot do the
 * work says why on stderr and exits.
 */
import type { Contender } from "./measure.ts";

/** Thrown where a peer is absent or gives up; the message is the reason. */
export class PeerError extends Error {
  /** Tells it from other errors. */
  override name = "PeerError";
}

/** A program to start. */
export interface PeerOptions {
  /** Name or path of the program. */
  readonly command: string;
  readonly args: readonly string[];
  /** Set beside what the environment holds. */
  readonly env?: Readonly<Record<string, string>>;
  /** Makes the contender's name of the program's first line; that line itself by default. */
  readonly title?: (version: string) => string;
}

/** Starts a peer and waits for its first line. @throws {PeerError} with the reason. */
export async function startPeer(options: PeerOptions): Promise<Contender> {
  const { command, args, env, title = (version) => version } = options;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(command, {
      args: [...args],
      env: { NO_COLOR: "1", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new PeerError((error as Error).message);
  }
  const errors = new Response(child.stderr).text();
  const writer = child.stdin.getWriter();
  const lines = readLines(child.stdout);
  /** The next line, or the reason why there is none. */
  const answer = async () => {
    const { value, done } = await lines.next();
    if (!done) return value;
    const { code } = await child.status;
    throw new PeerError(reasonIn(await errors) ?? `it ended with exit code ${code}`);
  };
  const name = title(await answer());
  return {
    name,
    async run(count) {
      await writer.write(new TextEncoder().encode(`${count}\n`));
      const [seconds, value] = (await answer()).split(" ").map(Number);
      return { seconds, ...(value === undefined ? {} : { value }) };
    },
    async close() {
      await writer.close().catch(() => {});
      await child.status;
      await errors;
    },
  };
}

/** The lines of a program's output. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  let pending = "";
  for await (
    const text of stream.pipeThrough<string>(
      new TextDecoderStream() as TransformStream<Uint8Array, string>,
    )
  ) {
    const lines = (pending + text).split("\n");
    pending = lines.pop()!;
    yield* lines;
  }
}

/** Why a program failed, by its stderr: the last line that names an error, else the last one. */
export function reasonIn(text: string): string | undefined {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return lines.findLast((line) => /^(error: |Uncaught|\w*Error\b)/.test(line)) ?? lines.at(-1);
}
