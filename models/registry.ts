/** All methods, a row each: the CLI's names, options and help, and the generic checks, follow. */
import { AE_CM } from "./ae_cm.ts";
import { AE_KMEANS } from "./ae_kmeans.ts";
import { CM_METHOD } from "./cm.ts";
import { DCN_METHOD } from "./dcn.ts";
import { DEC_METHOD } from "./dec.ts";
import { DEPICT_METHOD } from "./depict.ts";
import { DKM_METHOD } from "./dkm.ts";
import { DYNAE } from "./dynae.ts";
import { GMM } from "./gmm.ts";
import { IDEC_METHOD } from "./idec.ts";
import { KMEANS } from "./kmeans_estimator.ts";
import type { Method } from "./method.ts";
import { VADE } from "./vade.ts";

const ALL: readonly Method[] = [
  DYNAE,
  VADE,
  DEC_METHOD,
  IDEC_METHOD,
  DCN_METHOD,
  DKM_METHOD,
  DEPICT_METHOD,
  AE_KMEANS,
  CM_METHOD,
  AE_CM,
  GMM,
  KMEANS,
];

/** Methods by name. */
export const METHODS: Readonly<Record<string, Method>> = Object.fromEntries(
  ALL.map((method) => [method.name, method]),
);
