/**
 * TensorFlow.js' training step of the d-500-500-2000-10 autoencoder, with its own Adam.
 *
 * usage: deno run tfjs_step.ts wasm|webgpu INPUTS
 */
import { batches, layersOf, randomRows, serve, uniform } from "./serve.ts";

const VERSION = "4.22.0";
const [device, inputs] = [Deno.args[0], Number(Deno.args[1])];
// Computed names: whoever checks or tests this project does not download the peer.
const tf = await import(`npm:@tensorflow/tfjs@${VERSION}`);
await import(`npm:@tensorflow/tfjs-backend-${device}@${VERSION}`);
if (!await tf.setBackend(device)) throw new Error(`TensorFlow.js has no ${device} here`);
await tf.ready();

type Tensor = ReturnType<typeof tf.tensor>;

const layers = layersOf(inputs).map(({ fanIn, units, relu }) => {
  const limit = Math.sqrt(1 / fanIn);
  const weight: Tensor = tf.variable(
    tf.tensor2d(uniform(fanIn * units, -limit, limit), [fanIn, units]),
  );
  const bias: Tensor = tf.variable(tf.zeros([units]));
  return { weight, bias, relu };
});
const optimizer = tf.train.adam(1e-4);
const { data, shape } = randomRows(inputs);
const table: Tensor = tf.tensor2d(data, shape);
const order = batches();

/** Gather, forward, mean squared error, backward, update; the loss stays on the device. */
function step(): Tensor {
  return tf.tidy(() => {
    const x = tf.gather(table, tf.tensor1d(order.next().value, "int32"));
    return optimizer.minimize(() => {
      const y = layers.reduce((value, { weight, bias, relu }) => {
        const sum = tf.add(tf.matMul(value, weight), bias);
        return relu ? tf.relu(sum) : sum;
      }, x);
      return tf.losses.meanSquaredError(x, y);
    }, true);
  });
}

await serve(`TensorFlow.js ${VERSION}, ${device}`, async (steps) => {
  let total: Tensor = tf.scalar(0);
  for (let i = 0; i < steps; i++) {
    const loss = step();
    const sum = tf.add(total, loss);
    tf.dispose([total, loss]);
    total = sum;
  }
  const [sum] = await total.data();
  total.dispose();
  return sum / steps;
});
