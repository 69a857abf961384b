/** What a table or figure of a paper is, to be made again. */
import type { LogRow } from "../../models/estimator.ts";
import type { OptionValues } from "../../models/options.ts";
import type { PlannedSetting } from "../experiment.ts";
import type { RunRecord } from "../run_record.ts";
import type { Published } from "./published.ts";

/** A row: a model with its options. */
export interface PaperRow {
  /** Of its runs, and of its published figures. */
  readonly name: string;
  /**
   * What the table shows of it, under {@linkcode PaperTable.headings}: texts, or the option whose value it
   * is, shortened where the schedule is.
   */
  readonly cells: readonly (string | { readonly option: string })[];
  /** Name in the registry. */
  readonly model: string;
  /** What `--profile official` stands for, where it is not the model's `official`. */
  readonly official?: string;
  /** What differs from the profile. */
  readonly options?: OptionValues;
}

/** A finished run, as pictures see it. */
export interface FinishedRun {
  /** Of its folder. */
  readonly path: string;
  /** Name of its data set, for files. */
  readonly data: string;
  /** What the table calls that, for people. */
  readonly dataTitle: string;
  /** What the table calls its row. */
  readonly title: string;
  /** What stands beside it in the table; absent where nothing does. */
  readonly published?: string;
  /** Its row. */
  readonly setting: PlannedSetting;
  /** Of its random numbers. */
  readonly seed: number;
  /** What it says of itself. */
  readonly record: RunRecord;
  /** Its log. */
  readonly log: readonly LogRow[];
}

/** A table or figure. */
export interface PaperTable {
  /** One line for help. */
  readonly summary: string;
  /** How it is made here, and what it lacks: sentences below the table. */
  readonly notes: readonly string[];
  /** The sets that it is of, unasked; a file of that name in its folder, where it has rows of its own. */
  readonly data: string;
  /** What that file holds: CSV with a column `class`. */
  rowsOfItsOwn?(): string;
  /** Runs of a row, unasked. */
  readonly seeds: number;
  /** Whether all networks of a seed start from one pre-trained network. */
  readonly isShared?: true;
  /** The goal of the column of steps, unasked. */
  readonly stepsTo?: string;
  /** Titles of the rows' cells. */
  readonly headings: readonly string[];
  /** What the paper has there; absent where its figures were not at hand. */
  readonly published?: Published;
  /** What a run has in the form of {@linkcode PaperTable.published}, where the table's columns have not. */
  ours?(run: FinishedRun): string | undefined;
  /** The rows on a data set. @param profile `default` or `official`. */
  rows(data: string, profile: string): readonly PaperRow[];
  /**
   * SVG of what is finished, by the names of their files; absent: the accuracies of the rows.
   * @param note To stand in each.
   */
  pictures?(
    runs: readonly FinishedRun[],
    note: string,
  ): Record<string, string> | Promise<Record<string, string>>;
}
