/** Entry of the worker that audits this very browser: the command line's audits, row by row. */
import { auditKernels } from "../../../engine/audit/kernels.ts";
import { openCpuTarget, openWebGpuTarget } from "../../../engine/audit/targets.ts";
import { KERNELS } from "../../../kernels/registry.ts";
import { auditGradients } from "../../../models/audit.ts";
import type { AuditAnswer, AuditRow, AuditSubject } from "../messages.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<AuditSubject>) => void) | null;
  postMessage(message: AuditAnswer): void;
};

async function* gradientRows(): AsyncGenerator<AuditRow> {
  for await (const check of auditGradients()) {
    const { name, elements: count, worst, adjoint, passed, place } = check;
    yield { name, variant: "float64", count, share: Math.max(worst, adjoint), passed, place };
  }
}

async function* kernelRows(device: "cpu" | "webgpu"): AsyncGenerator<AuditRow> {
  const target = await (device === "cpu" ? openCpuTarget() : openWebGpuTarget());
  try {
    scope.postMessage({ kind: "device", description: target.description });
    for await (const row of auditKernels(target, KERNELS)) {
      const { kernel, variant, cases, worst, breaches, verdict } = row;
      yield {
        name: kernel,
        variant,
        count: cases,
        share: worst?.fraction ?? 0,
        passed: verdict === "pass",
        place: breaches[0]?.message ??
          (worst === undefined ? "" : `${worst.binding}[${worst.index}] of ${worst.case}`),
      };
    }
  } finally {
    await target.dispose();
  }
}

async function audit(subject: AuditSubject): Promise<void> {
  const rows = subject === "gradients"
    ? gradientRows()
    : kernelRows(subject === "kernels-cpu" ? "cpu" : "webgpu");
  for await (const row of rows) scope.postMessage({ kind: "row", row });
  scope.postMessage({ kind: "done" });
}

scope.onmessage = ({ data: subject }) => {
  audit(subject).catch((error: Error) => {
    scope.postMessage({ kind: "failed", message: error.message });
  });
};
