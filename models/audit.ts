/** The gradient audit of every method's whole losses, in float64 on small networks and batches. */
import { checkGradients, type GradientCheck } from "../engine/gradient/gradcheck.ts";
import { OracleBackend } from "../engine/backend/oracle.ts";
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
