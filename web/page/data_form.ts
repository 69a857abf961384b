/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/** The form's first part: the digits, or files that are chosen or dropped. */
import { byId } from "./dom.ts";
import type { DataInfo, Source } from "./messages.ts";

type Files = Extract<Source, { kind: "files" }>["files"];

/** Reads the form, and asks for the rows whenever it changes. */
export class DataForm {
  private readonly own = byId("own", HTMLDivElement);
  private readonly drop = byId("drop", HTMLParagraphElement);
  private readonly input = byId("files", HTMLInputElement);
  private readonly status = byId("data-status", HTMLParagraphElement);
  private files: Files = [];

  /** `load` asks for rows. */
  constructor(private readonly load: (source: Source) => void) {
    for (const radio of document.querySelectorAll<HTMLInputElement>('input[name="source"]')) {
      radio.addEventListener("change", () => this.ask());
    }
    for (const id of ["class-column", "scale", "size"]) {
      document.getElementById(id)!.addEventListener("change", () => this.ask());
    }
    this.input.addEventListener("change", () => this.take(this.input.files!));
    this.drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.drop.classList.add("over");
    });
    this.drop.addEventListener("dragleave", () => this.drop.classList.remove("over"));
    this.drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.drop.classList.remove("over");
      this.take(event.dataTransfer!.files);
    });
  }

  /** Asks for the rows that are chosen, if any are. */
  ask(): void {
    const { isOwn } = this;
    this.own.hidden = !isOwn;
    this.say(isOwn && this.files.length === 0 ? "Choose a file." : "Reading…");
    if (!isOwn) this.load({ kind: "optdigits" });
    else if (this.files.length > 0) this.load(this.ownSource());
  }

  /** Says what there is. */
  show({ name, n, d, picture, classCount, notes }: DataInfo): void {
    const columns = picture
      ? `images of ${picture.height} × ${picture.width} pixels`
      : `${d} ${d === 1 ? "column" : "columns"}`;
    const classes = classCount === undefined ? "" : `, ${classCount} classes`;
    this.say(
      [`${name}: ${n.toLocaleString("en")} rows, ${columns}${classes}.`, ...notes].join(" "),
    );
  }

  /** Says what is wrong. */
  fail(message: string): void {
    this.say(message, true);
  }

  private get isOwn(): boolean {
    const chosen = document.querySelector<HTMLInputElement>('input[name="source"]:checked')!;
    return chosen.value === "files";
  }

  private ownSource(): Source {
    const text = (id: string) => (document.getElementById(id) as HTMLInputElement).value.trim();
    const column = text("class-column");
    const [scale, size] = [text("scale"), Number(text("size"))];
    return {
      kind: "files",
      files: this.files,
      ...column !== "" && { classColumn: /^\d+$/.test(column) ? Number(column) : column },
      ...scale !== "" && { scale: scale as "auto" },
      ...size > 0 && { size: [size, size] as const },
    };
  }

  private take(files: FileList): void {
    this.files = [...files].map((file) => ({ path: file.name, file }));
    this.ask();
  }

  private say(text: string, isWrong = false): void {
    this.status.textContent = text;
    this.status.classList.toggle("wrong", isWrong);
  }
}
