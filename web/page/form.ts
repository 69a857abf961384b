/// <reference lib="dom" />
/** The form's second part: methods, their profiles, and a field for every option. */
import {
  type OptionSpec,
  type OptionValue,
  type OptionValues,
  wordsOf,
} from "../../models/options.ts";
import { byId, make } from "./dom.ts";
import type { MethodInfo, TrainRequest } from "./messages.ts";

/** Options that most people look at; the others are folded up. */
const OFTEN = ["clusters", "seed", "pretrainSteps", "steps", "kappa"];

/** Reads and fills the form. */
export class MethodForm {
  private readonly model = byId("model", HTMLSelectElement);
  private readonly profile = byId("profile", HTMLSelectElement);
  private readonly device = byId("device", HTMLSelectElement);
  private methods: readonly MethodInfo[] = [];
  private classCount: number | undefined;

  /** Listens to the choice of a method and a profile. */
  constructor() {
    this.model.addEventListener("change", () => this.showMethod());
    this.profile.addEventListener("change", () => this.showOptions());
  }

  /** Offers the methods. */
  fill(methods: readonly MethodInfo[]): void {
    this.methods = methods;
    this.model.replaceChildren(...methods.map(({ name }) => make("option", { value: name }, name)));
    this.showMethod();
  }

  /** How many clusters there are unless they are given. */
  expect(classCount: number | undefined): void {
    this.classCount = classCount;
    this.showOptions();
  }

  /** What is asked for. Values are checked by the engine. */
  get request(): TrainRequest {
    const options: Record<string, OptionValue> = {};
    for (const spec of this.method.options) {
      const text = fieldOf(spec.name).value.trim();
      if (text !== "") options[spec.name] = valueOf(spec, text);
    }
    return {
      model: this.model.value,
      profile: this.profile.value,
      options,
      device: this.device.value as TrainRequest["device"],
    };
  }

  /** K, as it stands in the form. */
  get clusters(): number {
    const { value, placeholder } = fieldOf("clusters") as HTMLInputElement;
    return Number(value || placeholder);
  }

  /** Marks the field of an option that is wrong, and goes there; undefined: none is. */
  mark(option?: string): void {
    for (const { name } of this.method.options) fieldOf(name).removeAttribute("aria-invalid");
    if (option === undefined) return;
    const field = fieldOf(option);
    field.setAttribute("aria-invalid", "true");
    const details = field.closest("details");
    if (details) details.open = true;
    field.focus();
  }

  private get method(): MethodInfo {
    return this.methods.find(({ name }) => name === this.model.value)!;
  }

  private showMethod(): void {
    const { profiles, summary, citation } = this.method;
    this.profile.replaceChildren(
      ...Object.keys(profiles).map((name) => make("option", { value: name }, name)),
    );
    byId("method-about", HTMLElement).textContent = `${summary}. ${citation}`;
    this.showOptions();
  }

  private showOptions(): void {
    const { options, profiles } = this.method;
    const profile: Partial<OptionValues> = profiles[this.profile.value].values;
    const [often, rest] = ["often", "rest"].map((id) => byId(id, HTMLDivElement));
    const given = new Map(
      options.map(({ name }) => [name, document.getElementById(`option-${name}`)]),
    );
    const fields = options.map((spec) => {
      const known = spec.name === "clusters" && profile.clusters === undefined
        ? this.classCount
        : undefined;
      const usual = known ?? profile[spec.name] ?? spec.default;
      const former = given.get(spec.name) as HTMLInputElement | HTMLSelectElement | null;
      return [spec.name, rowOf(spec, usual, former?.value ?? "")] as const;
    });
    often.replaceChildren(
      ...OFTEN.flatMap((name) => fields.filter(([own]) => own === name)).map(([, row]) => row),
    );
    rest.replaceChildren(
      ...fields.filter(([name]) => !OFTEN.includes(name)).map(([, row]) => row),
    );
  }
}

function fieldOf(name: string): HTMLInputElement | HTMLSelectElement {
  return document.getElementById(`option-${name}`) as HTMLInputElement | HTMLSelectElement;
}

/** A labelled field; left empty, it stands for the usual value. */
function rowOf(spec: OptionSpec, usual: OptionValue, value: string): HTMLElement {
  const id = `option-${spec.name}`;
  const choices = spec.type === "choice"
    ? spec.choices
    : spec.type === "boolean"
    ? ["true", "false"]
    : undefined;
  const field = choices
    ? make(
      "select",
      { id },
      make("option", { value: "" }, `${usual} (default)`),
      ...choices.map((choice) => make("option", { value: choice }, choice)),
    )
    : make("input", {
      id,
      placeholder: String(usual),
      inputMode: spec.type === "integer" || spec.type === "number" ? "decimal" : "text",
      autocomplete: "off",
    });
  if (!choices || choices.includes(value)) field.value = value;
  field.setAttribute("aria-describedby", `${id}-hint`);
  return make(
    "p",
    {},
    make("label", { htmlFor: id }, wordsOf(spec.name)),
    field,
    make("small", { id: `${id}-hint` }, spec.description),
  );
}

/** The value that a text stands for; the text itself where it stands for none, for the message. */
function valueOf(spec: OptionSpec, text: string): OptionValue {
  const number = (text: string) => Number.isNaN(Number(text)) ? text : Number(text);
  switch (spec.type) {
    case "choice":
      return text;
    case "boolean":
      return text === "true";
    case "integers":
      return text.split(",").map(number) as number[];
    default:
      return number(text);
  }
}
