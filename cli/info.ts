/** `info`: what this machine computes on. */
import type { Command } from "commander";
import { cacheDir } from "../datasets/load.ts";
import { openCpuBackend } from "../engine/cpu/backend.ts";
import type { MergedPairs } from "../engine/cpu/pair_probe.ts";
import { type AdapterSummary, listAdapters } from "../engine/webgpu/mod.ts";
import { formatTable, writeJson, writeOut } from "./terminal.ts";
import { PROGRAM, RUNTIME, VERSIONS } from "./version.ts";
import { quietWayland } from "./wayland.ts";

/** The limits that decide what fits; `--json` has all. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupsPerDimension",
];

/** What V8 does with pairs of vectors, as it was measured. */
const PAIRS: Readonly<Record<MergedPairs, string>> = {
  none: "128 bits: V8's revectorizer is off, or does nothing here",
  checked: "256 bits: V8's revectorizer is on, bounds are checked",
  plain: "256 bits: V8's revectorizer is on, bounds are not checked",
};

/** See {@linkcode CommandModule}. */
export function define(command: Command): void {
  command
    .option("--json", "print one JSON object")
    .addHelpText("after", `\nExample:\n  ${PROGRAM} info --json\n`)
    .action(info);
}

async function info({ json }: { readonly json?: boolean }): Promise<void> {
  quietWayland();
  const adapters = await listAdapters();
  const backend = await openCpuBackend();
  const cpu = backend.info;
  await backend.dispose();
  const auto = adapters.find((adapter) => adapter.class === "hardware");
  const chosen = auto === undefined ? cpu.description : auto.title;
  if (json) {
    const system = { os: Deno.build.os, arch: Deno.build.arch };
    return writeJson({
      versions: VERSIONS,
      system,
      auto: auto === undefined ? "cpu" : "webgpu",
      cpu,
      adapters,
      cache: cacheDir() ?? null,
    });
  }
  const { dynae, v8 } = VERSIONS;
  writeOut(`dynae     ${dynae} (${RUNTIME}, V8 ${v8}, ${Deno.build.os} ${Deno.build.arch})\n`);
  writeOut(`--device auto takes ${chosen}\n`);
  writeOut(`cpu       ${cpu.description}\n`);
  const pairs = PAIRS[cpu.pairs ?? "none"];
  writeOut(`          ${pairs}; tile ${cpu.tile} of the matrix products\n`);
  if (adapters.length === 0) {
    const none = navigator.gpu === undefined
      ? "not in this runtime"
      : "no adapter (software ones: on Debian, mesa-vulkan-drivers)";
    writeOut(`webgpu    ${none}\n`);
  }
  adapters.forEach((adapter) => writeOut(formatAdapter(adapter)));
  writeOut(`data      ${cacheDir() ?? "no cache: HOME is not set, or may not be read"}\n`);
}

function formatAdapter(adapter: AdapterSummary): string {
  const { title, vendor, architecture, features, limits } = adapter;
  const kind = adapter.class === "hardware" ? "GPU" : "software adapter: --device webgpu only";
  const maker = [vendor, architecture].filter((part) => part !== "").join(" ");
  const rows = LIMITS.map((name) => [`  ${name}`, String(limits[name])]);
  return `webgpu    ${title} (${kind}${maker === "" ? "" : `; ${maker}`})\n` +
    `  features: ${features.join(", ") || "none"}\n${formatTable(["  limit", ""], rows)}\n`;
}
