/** The files that a finished run offers. */
import type { Dataset } from "../../../datasets/dataset.ts";
import { classColumn, labelsCsv, shareColumn } from "../../../export/labels.ts";
import { certaintyOf } from "../../../models/evaluation/certainty.ts";
import { METHODS } from "../../../models/registry.ts";
import { recordOf } from "../../../storage/checkpoint.ts";
import { encodeModel } from "../../../storage/model.ts";
import { VERSION } from "../../../storage/version.ts";
import type { Answer, Download, TrainRequest } from "../messages.ts";
import { type Finished, outcomeOf, sizesOf } from "./results.ts";

/** The bytes of a file, with its name and type. */
export async function fileOf(
  file: Download,
  request: TrainRequest,
  dataset: Dataset,
  finished: Finished,
): Promise<Omit<Extract<Answer, { kind: "file" }>, "kind">> {
  const { estimator, result, backend } = finished;
  const text = (text: string) => new TextEncoder().encode(text);
  switch (file) {
    case "model":
      return {
        name: `${estimator.name}-${dataset.name.replace(/[^\w.-]+/g, "_")}.safetensors`,
        type: "application/octet-stream",
        bytes: await encodeModel(estimator, dataset),
      };
    case "labels": {
      const isSoft = METHODS[estimator.name].softAssignment !== undefined;
      const { name, values } = await certaintyOf(estimator, isSoft, dataset, result, backend);
      const columns = [...classColumn(dataset), shareColumn(name, (i) => values[i])];
      return {
        name: "labels.csv",
        type: "text/csv",
        bytes: text(labelsCsv(result.labels, dataset, columns)),
      };
    }
    case "report": {
      const { reportOf } = await import("./report.ts");
      return {
        name: "report.html",
        type: "text/html",
        bytes: text(await reportOf(request, dataset, finished)),
      };
    }
    case "summary": {
      const { model, profile } = request;
      const { stopReason: _, ...outcome } = outcomeOf(request, dataset, finished);
      const summary = {
        program: `dynae ${VERSION}`,
        configuration: { model, profile, options: estimator.options },
        data: recordOf(dataset),
        device: backend.info,
        stopReason: result.stopReason,
        steps: result.nIter,
        ...outcome,
        scores: Object.fromEntries(outcome.scores),
        clusterSizes: sizesOf(result.labels, Number(estimator.options.clusters)),
        history: result.history,
      };
      return {
        name: "summary.json",
        type: "application/json",
        bytes: text(`${JSON.stringify(summary, null, 2)}\n`),
      };
    }
  }
}
