/**
 * jax-js's training step of the d-500-500-2000-10 autoencoder: gather, loss, gradient and Adam in one
 * compiled function. Its optimiser package is not on npm, so Adam is written out.
 *
 * usage: deno run jax_step.ts wasm|webgpu INPUTS
 */
import { batches, layersOf, randomRows, serve, uniform } from "./serve.ts";

const VERSION = "0.1.25";
// A computed name: whoever checks or tests this project does not download the peer.
const jax = await import(`npm:@jax-js/jax@${VERSION}`);
const { numpy: np, nn, tree } = jax;

const LEARNING_RATE = 1e-4;
const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

const [device, inputs] = [Deno.args[0], Number(Deno.args[1])];
const available: string[] = await jax.init(device);
if (!available.includes(device)) throw new Error(`jax-js has no ${device} here`);
jax.defaultDevice(device);

type Array = ReturnType<typeof np.array>;
type Layer = { weight: Array; bias: Array };
const layers = layersOf(inputs);

/** Mean squared error. Arguments are consumed, as everywhere in jax-js. */
function loss(parameters: Layer[], x: Array): Array {
  const y = parameters.reduce((value, { weight, bias }, i) => {
    const sum = np.add(np.matmul(value, weight), bias);
    return layers[i].relu ? nn.relu(sum) : sum;
  }, x.ref);
  return np.mean(np.square(np.subtract(y, x)));
}

/** One step. @param rate Learning rate with Adam's bias corrections, []. @param rows [256] */
const step = jax.jit(
  (
    parameters: Layer[],
    m: Layer[],
    v: Layer[],
    total: Array,
    data: Array,
    rows: Array,
    rate: Array,
  ) => {
    const x = np.take(data, rows, 0);
    const [value, g] = jax.valueAndGrad(loss)(tree.ref(parameters), x);
    const mixed = (beta: number, old: Array, now: Array) => old.mul(beta).add(now.mul(1 - beta));
    const newM = tree.map((old: Array, g: Array) => mixed(BETA1, old, g), m, tree.ref(g));
    const newV = tree.map((old: Array, g: Array) => mixed(BETA2, old, np.square(g)), v, g);
    const updated = tree.map(
      (w: Array, m: Array, v: Array) =>
        np.subtract(w, np.divide(m.mul(rate.ref), np.sqrt(v).add(EPSILON))),
      parameters,
      tree.ref(newM),
      tree.ref(newV),
    );
    rate.dispose();
    return [updated, newM, newV, np.add(total, value)];
  },
);

const zeros = () =>
  layers.map(({ fanIn, units }) => ({ weight: np.zeros([fanIn, units]), bias: np.zeros([units]) }));
let parameters = layers.map(({ fanIn, units }) => {
  const limit = Math.sqrt(1 / fanIn);
  const weight = np.array(uniform(fanIn * units, -limit, limit)).reshape([fanIn, units]);
  return { weight, bias: np.zeros([units]) };
});
let m = zeros();
let v = zeros();
const { data, shape } = randomRows(inputs);
const table = np.array(data).reshape(shape);
const order = batches();
let t = 0;

await serve(`jax-js ${VERSION}, ${device}`, async (steps) => {
  let total = np.array(0);
  for (let i = 0; i < steps; i++) {
    t++;
    const rate = LEARNING_RATE * Math.sqrt(1 - BETA2 ** t) / (1 - BETA1 ** t);
    const rows = np.array(order.next().value);
    [parameters, m, v, total] = step(parameters, m, v, total, table.ref, rows, np.array(rate));
  }
  await jax.blockUntilReady(tree.ref(parameters));
  return (await total.data())[0] / steps;
});
