/** `serve`: the page, on this machine. */
import type { Command } from "commander";
import { EXIT, Failure } from "./errors.ts";
import { parseInteger } from "./method_options.ts";
import { writeOut } from "./terminal.ts";

/** Seldom anybody else's. */
const PORT = 8737;

/** The command with the permissions that it needs. */
const SERVER = "deno run -P=serve cli.ts serve";

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .option("--port <n>", `to listen on; 0: any that is free (default: ${PORT})`, parsePort)
    .addHelpText(
      "after",
      `\nIt listens to this machine alone, and builds the page from a clone of the repository:\n` +
        `  ${SERVER}\n\nThe same as files for any server: deno task page:build\n`,
    )
    .action(serve);
}

function parsePort(text: string): number {
  const port = parseInteger("--port", text, 0);
  if (port < 2 ** 16) return port;
  throw new Failure(`--port takes an integer from 0 to ${2 ** 16 - 1}, got ${text}`, EXIT.usage);
}

async function serve({ port = PORT }: { readonly port?: number }): Promise<void> {
  for (const wanted of [{ name: "net", host: `127.0.0.1:${port}` }, { name: "run" }] as const) {
    const { state } = await Deno.permissions.query(wanted);
    if (state === "granted") continue;
    const what = wanted.name === "net" ? `listen on ${wanted.host}` : "run the bundler, esbuild";
    throw new Failure(`serve may not ${what}; start it with ${SERVER}`, EXIT.usage);
  }
  const { buildPage, serveSite } = await loadPage();
  const site = await buildPage();
  try {
    const server = serveSite(site, port);
    writeOut(`http://127.0.0.1:${server.addr.port}/ (Ctrl-C ends it)\n`);
    await server.finished;
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Failure(`--port ${port} is in use; --port 0 takes one that is free`, EXIT.usage);
  }
}

/** What builds and serves the page. Its types are not imported: packages are without it. */
interface PageModules {
  /** The files by their paths. */
  buildPage(): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Serves them. */
  serveSite(
    site: ReadonlyMap<string, Uint8Array>,
    port: number,
  ): Deno.HttpServer<Deno.NetAddr>;
}

/** A clone has it, a package has not. */
async function loadPage(): Promise<PageModules> {
  const modules = ["build", "serve"].map((name) =>
    new URL(`../web/page/${name}.ts`, import.meta.url).href
  );
  try {
    // Not literals: what bundles the command line shall leave the page out.
    const [build, serve] = await Promise.all(modules.map((url) => import(url)));
    return { ...build, ...serve };
  } catch (cause) {
    const { message } = cause as Error;
    throw new Failure(
      `serve builds the page from a clone of the repository, and cannot here: ${message}`,
      EXIT.failed,
      { cause },
    );
  }
}
