/** Who takes part in the step bench: our backends, PyTorch, and peers from npm. */
import { fileURLToPath } from "node:url";
import type { Backend } from "../engine/backend/backend.ts";
import { type DeviceOptions, openDevice, type TileChoice } from "../engine/device.ts";
import type { Contender } from "./measure.ts";
import { PeerError, reasonIn, startPeer } from "./peer.ts";
import { type NetworkSizes, prepare, type StepName, STEPS } from "./workload.ts";

/** A family of contenders, as `--peers` names it. */
export type Family = "dynae" | "torch" | "jax-js" | "tfjs";

/** All families. */
export const FAMILIES: readonly Family[] = ["dynae", "torch", "jax-js", "tfjs"];

/** Where a contender computes: what may be compared with what. */
export interface Place {
  /** What runs the arithmetic; software adapters run on the CPU. */
  readonly hardware: "cpu" | "gpu";
  /** CPU threads that it may use. */
  readonly threads: number;
}

/** A contender before it is started. */
export interface Entrant {
  readonly family: Family;
  /** For messages; the started contender may know more. */
  readonly name: string;
  readonly place: Place;
  /** Whether its products are not in full float32, so that it is shown for information alone. */
  readonly tf32?: boolean;
  /** What it can do. */
  readonly steps: readonly StepName[];
  /** Starts it. @throws {Error} whose message is the reason why it cannot. */
  start(step: StepName, sizes: NetworkSizes): Promise<StartedContender>;
}

/** A contender, ready to run steps; the value of a measurement is the mean loss. */
export interface StartedContender extends Contender {
  /** Where it turned out to compute, if that is only known now. */
  readonly place?: Place;
  /** Kernel calls of a step, of ours. */
  readonly calls?: number;
}

/** What {@linkcode entrants} needs to know. */
export interface EntrantOptions {
  readonly families: readonly Family[];
  /** CPU threads of those that use several. */
  readonly threads: number;
  /** Whether WebGPU takes part. */
  readonly webgpu: boolean;
  /** Where to look for PyTorch first. */
  readonly python?: string | undefined;
}

const ALL_STEPS = Object.keys(STEPS) as StepName[];
const ONE_THREAD: Place = { hardware: "cpu", threads: 1 };

/** Everyone who takes part; those whose absence is known at once come with the reason in `start`. */
export async function entrants(
  { families, threads, webgpu, python }: EntrantOptions,
): Promise<Entrant[]> {
  const places = threads > 1 ? [{ ...ONE_THREAD, threads }, ONE_THREAD] : [ONE_THREAD];
  const list: Entrant[] = [];
  if (families.includes("dynae")) {
    for (const place of places) {
      const name = `dynae cpu, ${threadsOf(place)}`;
      list.push(ours(name, place, { device: "cpu", threads: place.threads }));
    }
    for (const place of places) for (const setting of SETTINGS) list.push(flagged(setting, place));
    if (webgpu) list.push(ours("dynae webgpu", gpu(threads), { device: "webgpu" }));
  }
  if (families.includes("torch")) list.push(...await torch(threads, python));
  for (const family of ["jax-js", "tfjs"] as const) {
    if (!families.includes(family)) continue;
    // Their WebAssembly backends take all cores.
    const cores = { hardware: "cpu", threads: navigator.hardwareConcurrency } as const;
    list.push(npmPeer(family, "wasm", cores));
    if (webgpu) list.push(npmPeer(family, "webgpu", gpu(threads)));
  }
  return list;
}

function gpu(threads: number): Place {
  return { hardware: "gpu", threads };
}

function threadsOf({ threads }: Place): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

/** Our engine on a device of its own. */
function ours(name: string, place: Place, options: DeviceOptions): Entrant {
  return {
    family: "dynae",
    name,
    place,
    steps: ALL_STEPS,
    async start(step, sizes) {
      const backend = await openDevice(options);
      const workload = await prepare(backend, step, sizes);
      return {
        name: `dynae ${backend.info.kind}, ${backend.info.description}`,
        place: placeOf(backend, place),
        calls: workload.program.plan.calls.length,
        async run(count) {
          const started = performance.now();
          const value = await workload.run(count);
          return { seconds: (performance.now() - started) / 1000, value };
        },
        async close() {
          workload.dispose();
          await backend.dispose();
        },
      };
    },
  };
}

/** V8's experiments that let it compute in 256 bits, and the tile that is asked for with them. */
interface Setting {
  readonly name: string;
  readonly flags: readonly string[];
  readonly tile: TileChoice;
}

const SETTINGS: readonly Setting[] = [
  { name: "revectorize", flags: ["--experimental-wasm-revectorize"], tile: "auto" },
  {
    name: "revectorize, no bounds checks",
    flags: ["--experimental-wasm-revectorize", "--no-wasm-bounds-checks"],
    tile: "6x16",
  },
];

/** Our CPU backend in a process of its own, with flags of V8. */
function flagged({ name, flags, tile }: Setting, place: Place): Entrant {
  const script = fileURLToPath(new URL("./peers/dynae_step.ts", import.meta.url));
  return {
    family: "dynae",
    name: `dynae cpu, ${threadsOf(place)}, ${name}`,
    place,
    steps: ALL_STEPS,
    start: (step, { inputs }) =>
      startPeer({
        command: "deno",
        args: [
          "run",
          "--quiet",
          `--v8-flags=${flags.join()}`,
          "--allow-read",
          script,
          step,
          `${inputs}`,
          `${place.threads}`,
          tile,
        ],
        title: (found) => `${found}, ${name}`,
      }),
  };
}

/** A software adapter computes on the CPU, on all cores. */
function placeOf({ info }: Backend, place: Place): Place {
  if (info.kind !== "webgpu" || info.class !== "software") return place;
  return { hardware: "cpu", threads: navigator.hardwareConcurrency };
}

/** Where Debian puts it, and whatever is first on the path. */
const PYTHONS = ["/usr/bin/python3", "python3"];
const TORCH = fileURLToPath(new URL("./peers/torch_step.py", import.meta.url));

/**
 * PyTorch. Where it multiplies with OpenBLAS, as Debian's does, that has a thread pool of its own
 * beside OpenMP's, and the two get in each other's way: so several settings take part.
 */
async function torch(threads: number, python?: string): Promise<Entrant[]> {
  const found = await findTorch(python === undefined ? PYTHONS : [python, ...PYTHONS]);
  const entrant = (
    name: string,
    place: Place,
    args: readonly string[],
    more: { env?: Record<string, string>; tf32?: boolean } = {},
  ): Entrant => ({
    family: "torch",
    name: `PyTorch, ${name}`,
    place,
    ...(more.tf32 ? { tf32: true } : {}),
    steps: ALL_STEPS,
    start(step, { inputs }) {
      if ("reason" in found) throw new PeerError(found.reason);
      return startPeer({
        command: found.python,
        args: [TORCH, step, "--inputs", `${inputs}`, ...args],
        ...(more.env === undefined ? {} : { env: more.env }),
        title: (version) => `PyTorch ${version}, ${name}`,
      });
    },
  });
  const list: Entrant[] = [];
  if (threads > 1) {
    const place = { hardware: "cpu", threads } as const;
    list.push(
      entrant(`${threads} threads`, place, ["--threads", `${threads}`]),
      entrant(`${threads} BLAS threads`, place, ["--threads", "1"], {
        env: { OPENBLAS_NUM_THREADS: `${threads}` },
      }),
    );
  }
  const env = { OMP_NUM_THREADS: "1", OPENBLAS_NUM_THREADS: "1" };
  list.push(entrant("1 thread", ONE_THREAD, ["--threads", "1"], { env }));
  const place = gpu(1);
  // It says itself why it cannot.
  if ("reason" in found || !found.cuda) return [...list, entrant("CUDA", place, [])];
  return [
    ...list,
    entrant("CUDA, eager", place, []),
    entrant("CUDA, torch.compile", place, ["--mode", "compile"]),
    entrant("CUDA, captured graph", place, ["--mode", "graph"]),
    entrant("CUDA, captured graph, TF32", place, ["--mode", "graph", "--tf32"], { tf32: true }),
  ];
}

/** The first Python that has PyTorch, and whether it sees a GPU; or why there is none. */
async function findTorch(
  pythons: readonly string[],
): Promise<{ python: string; cuda: boolean } | { reason: string }> {
  const program = "import torch; print(torch.cuda.is_available())";
  const reasons: string[] = [];
  for (const python of pythons) {
    try {
      const command = new Deno.Command(python, { args: ["-c", program] });
      const { success, stdout, stderr } = await command.output();
      const text = new TextDecoder().decode(success ? stdout : stderr).trim();
      if (success) return { python, cuda: text === "True" };
      reasons.push(`${python}: ${reasonIn(text)}`);
    } catch (error) {
      reasons.push(`${python}: ${(error as Error).message}`);
    }
  }
  return { reason: reasons.join("; ") };
}

/** How peers from npm are run: the lock file of this project is none of their business. */
const NPM_PEER = "run --quiet --no-lock --allow-read --allow-env --allow-net --allow-sys".split(
  " ",
);

/** A peer from npm, in a process of its own. */
function npmPeer(family: "jax-js" | "tfjs", device: "wasm" | "webgpu", place: Place): Entrant {
  const file = { "jax-js": "jax_step.ts", tfjs: "tfjs_step.ts" }[family];
  const script = fileURLToPath(new URL(`./peers/${file}`, import.meta.url));
  return {
    family,
    name: `${family}, ${device}`,
    place,
    steps: ["ae"],
    start: (_, { inputs }) =>
      startPeer({
        command: "deno",
        args: [...NPM_PEER, script, device, `${inputs}`],
      }),
  };
}
