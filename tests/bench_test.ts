import { assert, assertEquals, assertRejects } from "@std/assert";
import { alternate, type Contender, median } from "../bench/measure.ts";
import { exponentOf } from "../bench/passes.ts";
import { PeerError, startPeer } from "../bench/peer.ts";
import { flopsOf, prepare, type StepName, STEPS } from "../bench/workload.ts";
import { openDevice } from "../engine/device.ts";

const PRODUCTS = ["dense", "dense_input_gradient", "dense_weight_gradient"];

/** A contender that says how long its work took. */
function pretender(name: string, secondsOf: (count: number) => number): Contender {
  return {
    name,
    run: (count) => Promise.resolve({ seconds: secondsOf(count) }),
    close: () => Promise.resolve(),
  };
}

function peerOf(program: string) {
  return startPeer({ command: Deno.execPath(), args: ["eval", program] });
}

Deno.test("bench: the steps' products are those that FLOPs are counted of", async () => {
  const sizes = { inputs: 25, hidden: [16, 40], rows: 256 };
  const backend = await openDevice({ device: "cpu", threads: 1 });
  for (const name of Object.keys(STEPS) as StepName[]) {
    const { program, run, dispose } = await prepare(backend, name, sizes);
    const flops = program.plan.calls
      .filter(({ kernel }) => PRODUCTS.includes(kernel.name))
      .reduce((sum, { params: { m, k, n } }) => sum + 2 * m * k * n, 0);
    assertEquals(flops, flopsOf(name, sizes), name);
    assert(Number.isFinite(await run(2)), name);
    dispose();
  }
  assertEquals(backend.memory().bytes, 0);
  await backend.dispose();
});

Deno.test("bench: contenders take turns, slow ones in the first rounds alone", async () => {
  let call = 0;
  const steady = pretender("steady", (count) => count * (++call % 2 ? 0.1 : 0.3));
  const slow = pretender("slow", (count) => 2 * count);
  const [first, second] = await alternate([steady, slow], { rounds: 4, seconds: 0.4 });
  assertEquals(first.rounds, 4);
  assertEquals(Math.round(first.bestMs), 100);
  assertEquals(Math.round(first.medianMs), 200);
  assertEquals(second, { medianMs: 2000, bestMs: 2000, count: 1, rounds: 3, value: NaN });
  assertEquals(median([3, 1, 2]), 2);
});

Deno.test("bench: growth is an exponent of at least three numbers of rows", () => {
  const times = [10, 30, 70, 30].map((rows): [number, number] => [rows, 0.2 * rows ** 1.5]);
  assertEquals(exponentOf(times)?.toFixed(9), "1.500000000");
  assertEquals(exponentOf(times.slice(0, 2)), null);
  assertEquals(exponentOf([times[0], times[1], times[3]]), null);
});

Deno.test("bench: a peer answers, and one that cannot says why", async () => {
  const peer = await peerOf(`
    console.log("peer 1.0");
    for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
      console.log(2 * Number(line), 0.5);
    }`);
  assertEquals(peer.name, "peer 1.0");
  assertEquals(await peer.run(3), { seconds: 6, value: 0.5 });
  await peer.close();
  await assertRejects(
    () => peerOf(`throw new Error("no such device")`),
    PeerError,
    "no such device",
  );
  await assertRejects(() => startPeer({ command: "/nowhere/python3", args: [] }), PeerError);
});
