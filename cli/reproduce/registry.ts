/** The tables and figures that `reproduce` makes again. */
import { ABLATION_TABLE } from "./ablation.ts";
import { AE_CM_TABLE, CM_TABLE } from "./ae_cm.ts";
import { CENTROIDS_TABLE } from "./centroids.ts";
import { CODES_TABLE } from "./codes.ts";
import { CONFLICTS_TABLE } from "./conflicts.ts";
import { CURVES_TABLE } from "./curves.ts";
import { FEATURES_TABLE } from "./features.ts";
import { METHODS_TABLE } from "./methods.ts";
import type { PaperTable } from "./paper_table.ts";
import { SENSITIVITY_TABLE } from "./sensitivity.ts";
import { TOY_TABLE } from "./toy.ts";

/** By the command line's names. */
export const TABLES: Readonly<Record<string, PaperTable>> = {
  methods: METHODS_TABLE,
  curves: CURVES_TABLE,
  conflicts: CONFLICTS_TABLE,
  centroids: CENTROIDS_TABLE,
  codes: CODES_TABLE,
  features: FEATURES_TABLE,
  "ae-cm": AE_CM_TABLE,
  cm: CM_TABLE,
  toy: TOY_TABLE,
  sensitivity: SENSITIVITY_TABLE,
  ablation: ABLATION_TABLE,
};
