/** Two patterns, and a training that tells them apart. */
export const samples = {
  data: Float32Array.from({ length: 60 * 16 }, (_, i) => (i % 16 < 8) === (i < 480) ? 1 : 0),
  n: 60,
  d: 16,
};

export const options = {
  clusters: 2,
  hidden: [32],
  latent: 2,
  pretrainSteps: 50,
  steps: 140,
};
