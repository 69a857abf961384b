/** The gradient audit: every op, and every method's whole losses, in float64 on small networks and batches. */
import { checkGradients, checkOp, type GradientCheck } from "../engine/gradient/gradcheck.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
import { OPS } from "../engine/ops/registry.ts";
import { State } from "../engine/state/state.ts";
import { AuditScene } from "./audit_scene.ts";
import { METHODS } from "./registry.ts";
import { SUPERVISED_CM_METHOD } from "./supervised_cm.ts";

/** Checks every loss of every method, and of the classifier. */
export async function* auditModels(seed = 0): AsyncGenerator<GradientCheck> {
  for (const method of [...Object.values(METHODS), SUPERVISED_CM_METHOD]) {
    for (const [loss, make] of Object.entries(method.losses)) {
      const oracle = new OracleBackend();
      using state = new State(oracle);
      const subject = await make(new AuditScene(state, seed));
      yield await checkGradients(oracle, { name: `${method.name}: ${loss}`, ...subject }, seed);
    }
  }
}

/**
 * Checks every op's rule on its examples, then every method's whole losses.
 * @param seed Of the inputs. @param only Checks whose name contains it; absent: all.
 */
export async function* auditGradients(seed = 0, only = ""): AsyncGenerator<GradientCheck> {
  for (const op of OPS) {
    for (const example of op.examples) {
      if (`${op.name}: ${example.name}`.includes(only)) yield await checkOp(op, example, seed);
    }
    const isUnchecked = op.examples.length === 0 && !("none" in op.gradient);
    if (isUnchecked && op.name.includes(only)) yield unchecked(op.name);
  }
  for await (const check of auditModels(seed)) {
    if (check.name.includes(only)) yield check;
  }
}

/** A rule that nothing is known about is a breach. */
function unchecked(name: string): GradientCheck {
  const place = "the op has a gradient rule and no example to check it on";
  return { name, elements: 0, worst: Infinity, place, adjoint: Infinity, kinks: 0, passed: false };
}
