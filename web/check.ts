/**
 * Runs the bundles in a real browser: a network learns XOR and DynAE clusters two patterns, then goes
 * through bytes and predicts, on the CPU backend and on WebGPU. Exits with 1 where a result is wrong.
 *
 * usage: deno task web:check [path of Chromium, default /usr/bin/chromium]
 */
import { bundle } from "./build.ts";
import { openChromium, serveFolder } from "./chromium.ts";

/** What runs in the page. */
const PAGE = `<!doctype html><script type="module">
import * as dynae from "/dynae.js";
window.check = async (device) => {
  const backend = await dynae.openDevice({ device });
  const state = new dynae.State(backend);
  const x = state.variable("x", [4, 2], { data: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) });
  const y = state.variable("y", [4, 1], { data: Float32Array.of(0, 1, 1, 0) });
  const net = new dynae.Mlp([2, 16, 1]);
  const parameters = new dynae.Parameters(state, { net }, 0);
  const adam = new dynae.Adam(state, "adam", parameters, { learningRate: 0.01 });
  const program = await dynae.trace(backend, () => {
    const loss = dynae.meanSquaredError(net.apply(x), y);
    adam.minimize(loss);
    return { loss };
  });
  program.run(500);
  const { loss } = await program.read();
  const options = { clusters: 2, hidden: [32], latent: 2, pretrainSteps: 50, steps: 140 };
  const model = new dynae.DynAE(options);
  const value = (_, i) => (i % 16 < 8) === (i < 480) ? 1 : 0;
  const data = Float32Array.from({ length: 60 * 16 }, value);
  const samples = { data, n: 60, d: 16, height: 4, width: 4 };
  const { labels } = await model.fit(samples, { backend });
  const restored = await dynae.decodeModel(await dynae.encodeModel(model), { backend });
  await model.dispose();
  const predicted = await restored.predict(samples);
  await restored.dispose();
  const { description } = backend.info;
  await backend.dispose();
  return { description, loss: loss[0], labels: [...labels], predicted: [...predicted] };
};
</script>`;

const server = serveFolder(await bundle(), PAGE);
const browser = await openChromium(Deno.args[0]);
let failures = 0;
try {
  const page = await browser.newPage();
  page.on("pageerror", (error: Error) => console.error(error.message));
  await page.goto(`http://127.0.0.1:${server.addr.port}/`);
  await page.waitForFunction("window.check");
  for (const device of ["cpu", "webgpu"]) {
    const { description, loss, labels, predicted } = await page.evaluate(
      `window.check("${device}")`,
    ) as {
      description: string;
      loss: number;
      labels: number[];
      predicted: number[];
    };
    const [first, second] = [labels.slice(0, 30), labels.slice(30)];
    const clustered = first.every((label) => label === first[0]) &&
      second.every((label) => label === second[0]) && first[0] !== second[0];
    const same = predicted.every((label, i) => label === labels[i]);
    const passed = loss < 1e-3 && clustered && same;
    if (!passed) failures++;
    console.log(`${passed ? "ok" : "FAILED"}  ${device}: ${description}, XOR loss ${loss}`);
  }
} finally {
  await browser.close();
  await server.shutdown();
}
Deno.exit(failures === 0 ? 0 : 1);
