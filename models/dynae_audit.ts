/** DynAE's losses for the gradient audit: of pre-training with a critic, and of clustering. */
import { scale } from "../engine/ops/affine.ts";
import { add } from "../engine/ops/binary.ts";
import type { Tensor } from "../engine/tensor/tensor.ts";
import { AUDIT_CLUSTERS, AUDIT_ROWS, AUDIT_SIZES, type AuditScene } from "./audit_scene.ts";
import { dynamicLosses, type DynamicTargets, dynamicTargets } from "./dynae_losses.ts";
import type { Method } from "./method.ts";
import { Critic } from "./networks/critic.ts";
import { pretrainingLosses } from "./training/pretraining.ts";

/** The parts of a scene that its losses need: thresholds within the range of q, for both kinds. */
function dynamicScene(scene: AuditScene) {
  const images = scene.drawn("images", [AUDIT_CLUSTERS, AUDIT_SIZES.inputs], 0, 1);
  return { ...scene, images, thresholds: scene.given("thresholds", [0.267, 0.0125]) };
}

/** The losses of pre-training with a critic that learns. */
function adversarialScene(scene: AuditScene) {
  const { net, x, state, seed } = scene;
  const critic = new Critic(state, AUDIT_SIZES, seed);
  scene.unsettle(critic.parameters.variables);
  const draw = (high: number, stream: number) =>
    scene.drawn(`coefficients ${stream}`, [AUDIT_ROWS], 0, high);
  const options = {
    critic: "trained",
    interpolationMax: 0.5,
    mixCoefficient: 0,
    pretrainError: "mean",
  } as const;
  const losses = () => {
    const z = net.encode(x);
    return pretrainingLosses(net, critic, x, z, net.decode(z), draw, options);
  };
  return { critic, losses };
}

/** By name. */
export const DYNAE_LOSSES: Method["losses"] = {
  "pre-training, autoencoder": (scene) => {
    const { losses } = adversarialScene(scene);
    const loss = () => {
      const { reconstruction, interpolation } = losses();
      return add(reconstruction, scale(interpolation!, 0.5));
    };
    return { targets: scene.net.parameters.variables, loss };
  },
  "pre-training, critic": (scene) => {
    const { critic, losses } = adversarialScene(scene);
    return { targets: critic.parameters.variables, loss: () => losses().critic! };
  },
  "clustering, clean targets": async (scene) => {
    const { net, x, augmented } = scene;
    const parts = dynamicScene(scene);
    const targets = () => ({ ...dynamicTargets(x, net.encode(x), parts) });
    const frozen = await scene.freeze(targets);
    const loss = (given: DynamicTargets) =>
      dynamicLosses(net, net.encode(augmented), given, 10).total;
    return {
      targets: net.parameters.variables,
      loss: () => loss(targets()),
      frozen: () => loss(frozen),
    };
  },
  "clustering, augmented targets": async (scene) => {
    const { net, augmented } = scene;
    const parts = dynamicScene(scene);
    const targets = (z: Tensor) => ({ ...dynamicTargets(augmented, z, parts) });
    const frozen = await scene.freeze(() => targets(net.encode(augmented)));
    const loss = (given?: DynamicTargets) => {
      const z = net.encode(augmented);
      return dynamicLosses(net, z, given ?? targets(z), 10).total;
    };
    return { targets: net.parameters.variables, loss: () => loss(), frozen: () => loss(frozen) };
  },
};
