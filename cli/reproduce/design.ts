/** A paper's table as runs: its rows with profile and scale, beside the published figures. */
import type { OptionValue, OptionValues } from "../../models/options.ts";
import { usageError } from "../errors.ts";
import type { Design, Setting } from "../experiment.ts";
import { estimatorOf, parseNumber } from "../method_options.ts";
import { findMethod } from "../run_plan.ts";
import { findNamedSet } from "../../datasets/named.ts";
import { definedOf } from "../data_options.ts";
import { unknownName } from "../suggest.ts";
import type { PaperRow, PaperTable } from "./paper_table.ts";

/** Options that make a schedule: its lengths, and the intervals in it. */
const SCHEDULE = /([sS]teps|Interval)$/;

/** What a design depends on. */
export interface DesignValues {
  /** Factor of all lengths of schedules. */
  readonly scale: number;
  /** `default` or `official`. */
  readonly profile: string;
}

/** A factor in (0, 1]. @throws {Failure} for anything else. */
export function parseScale(text: string): number {
  const value = parseNumber("--scale", text, "a number above 0 and at most 1");
  if (value > 0 && value <= 1) return value;
  throw usageError(`--scale takes a number above 0 and at most 1, got ${text}`);
}

/** `default` or `official`. @throws {Failure} for anything else. */
export function checkedProfile(profile: string): string {
  const names = ["default", "official"];
  if (names.includes(profile)) return profile;
  throw usageError(unknownName("profile of reproduce", profile, names));
}

/**
 * What a reproduction says of itself that is shortened, or of fewer rows: sentences, none where it is whole.
 * @param limit Most rows of a set; absent: all.
 */
export function trialNotes(scale: number, limit?: number): string[] {
  return [
    ...scale === 1 ? [] : [
      `Every schedule has ${Number((100 * scale).toPrecision(3))} % of its length (scale ` +
      `${scale}): a trial of the machinery, and no reproduction of the figures.`,
    ],
    ...limit === undefined ? [] : [
      `Of each set at most the first ${limit} rows are there (limit ${limit}); what is published is of all.`,
    ],
  ];
}

/** The runs of a table on a data set. */
export function designOf(table: PaperTable, data: string, values: DesignValues): Design {
  const { isShared = false, published, headings } = table;
  const extra = [
    ...published ? ["published"] : [],
    ...values.scale === 1 ? [] : ["scale"],
  ];
  const settingOf = (row: PaperRow, inherits = isShared): Setting => {
    const profile = profileOf(row, values.profile);
    const given = row.options ?? {};
    const options = {
      ...given,
      ...scheduleOf(row.model, profile, given, values.scale, inherits),
    };
    return {
      name: row.name,
      cells: [
        ...row.cells.map((cell) => typeof cell === "string" ? cell : String(options[cell.option])),
        profile,
        ...published ? [published.figures[row.name]?.[data] ?? "–"] : [],
        ...values.scale === 1 ? [] : [String(values.scale)],
      ],
      model: row.model,
      profile,
      options,
    };
  };
  return {
    ...definedOf({ title: findNamedSet(data)?.properName }),
    headings: [...headings, "profile", ...extra],
    settings: table.rows(data, values.profile).map((row) => settingOf(row)),
    ...isShared && { pretraining: settingOf(pretraining(headings.length, values.profile), false) },
  };
}

/** DynAE's pre-training, by the thrifty profile's length or the published one's. */
function pretraining(columns: number, profile: string): PaperRow {
  const { pretrainSteps } = estimatorOf(findMethod("dynae"), profile, {}).options;
  return {
    name: "pretraining",
    cells: Array.from({ length: columns }, (_, i) => i === 0 ? "pre-training (ae-kmeans)" : ""),
    model: "ae-kmeans",
    options: { pretrainSteps },
  };
}

function profileOf({ model, official = "official" }: PaperRow, profile: string): string {
  const isThere = Object.hasOwn(findMethod(model).profiles, official);
  return profile === "official" && isThere ? official : "default";
}

/**
 * The lengths of a model's schedule, scaled, and at least 1; none where they stay.
 * @param inherits Whether a dense network is another run's, pre-training and all.
 */
function scheduleOf(
  model: string,
  profile: string,
  given: OptionValues,
  scale: number,
  inherits: boolean,
): Record<string, OptionValue> {
  if (scale === 1) return {};
  const method = findMethod(model);
  const { options } = estimatorOf(method, profile, given);
  const isOthers = inherits && method.pretraining?.network === "dense";
  const scaled = method.options.flatMap(({ name, type, unusedWhere }): [string, number][] => {
    const value = options[name];
    if (unusedWhere && options[unusedWhere[0]] === unusedWhere[1]) return [];
    if (type !== "integer" || typeof value !== "number" || value === 0) return [];
    if (!SCHEDULE.test(name) || (isOthers && /^(pretrain|stacked)/.test(name))) return [];
    return [[name, Math.max(1, Math.round(scale * value))]];
  });
  return Object.fromEntries(scaled);
}
