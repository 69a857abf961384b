import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { METHODS } from "../models/registry.ts";
import { run } from "./command_line.ts";

/** The words that may follow; the last word is the one that is being typed. */
async function after(...words: string[]): Promise<string[]> {
  const { code, out, err } = await run(["__complete", ...words]);
  assertEquals([code, err], [0, ""]);
  return out.split("\n").slice(0, -1).map((line) => line.split("\t")[0]);
}

Deno.test("a command line goes on with commands, options, values and paths", async () => {
  const cases: [words: string[], expected: string[]][] = [
    [["tr"], ["train"]],
    [["runs", ""], ["list", "show", "rm"]],
    [["runs", "rm", ""], [":folders"]],
    [["completions", ""], ["bash", "zsh", "fish"]],
    [["train", "--print"], ["--print-config"]],
    [["train", "--model", ""], Object.keys(METHODS)],
    [["train", "--model", "dynae", "--profile", ""], Object.keys(METHODS.dynae.profiles)],
    [["train", "--model", "vade", "--partition", ""], ["mixture", "graph"]],
    [["train", "--model", "kmeans", "--kap"], []],
    [["train", "--kap"], ["--kappa"]],
    [["train", "--device=c"], ["--device=cpu"]],
    [["train", "--device", "=", "c"], ["cpu"]],
    [["train", "--device", "="], ["auto", "cpu", "webgpu"]],
    [["train", "--data", "us"], ["usps", ":files"]],
    [["train", "--out", ""], [":folders"]],
    [["train", "--limit", ""], []],
    [["train", "--model", "nothing", "--dev"], ["--device"]],
    [["compare", "--models", "kmeans,gm"], ["kmeans,gmm"]],
    [["sweep", "--model", "kmeans", "--over", "max"], ["max-iterations="]],
    [["no-command", ""], []],
  ];
  const found = await Promise.all(cases.map(([words]) => after(...words)));
  cases.forEach(([words, expected], i) => assertEquals(found[i], expected, words.join(" ")));
});

/** What bash makes of a line that is completed at its end, with `dynae` as in a clone. */
async function inBash(line: string): Promise<string[]> {
  const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
  const program = `"${Deno.execPath()}" run --quiet --no-prompt -P "${cli}"`;
  const script = `
dynae() { ${program} "$@"; }
source <(dynae completions bash)
compopt() { :; }  # Outside of readline there is nothing to set.
read -ra COMP_WORDS <<< ${JSON.stringify(line)}
[[ ${JSON.stringify(line)} == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
complete -p dynae >&2
_dynae
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["--norc", "-c", script],
    cwd: new URL("../", import.meta.url),
  }).output();
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, "complete -F _dynae dynae\n"]);
  return decoder.decode(stdout).trim().split("\n");
}

Deno.test({
  name: "bash completes by what `completions bash` prints",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    assertEquals(await inBash("dynae tra"), ["train"]);
    assertEquals(await inBash("dynae train --model ae-"), ["ae-kmeans", "ae-cm"]);
    assertEquals(await inBash("dynae runs "), ["list", "show", "rm"]);
    assertEquals(await inBash("dynae train --config deno.j"), ["deno.json"]);
    assertEquals(await inBash("dynae runs show dataset"), ["datasets"]);
  },
});
