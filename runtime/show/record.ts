/** Everything a run did, gathered from its messages: what the report and `--json` are made from. */
import { attachReport, type Certificate } from "../../compiler/certificate.ts";
import type { PlotSpecification } from "../../compiler/program.ts";
import type { Profile } from "../profile/profiler.ts";
import type { LocatedDiagnostic } from "../script/diagnostics.ts";
import type { ExitCode } from "../script/outcome.ts";
import type { RunMessage, Timings } from "../script/perform.ts";

/** What happened in order, as the report tells it. */
export type RecordedItem = Extract<RunMessage, { kind: "show" | "plot" | "save" | "assert" | "diagnostic" }>;

/** A solve, and what the derivatives through it told of themselves. */
export type RecordedSolve = Extract<RunMessage, { kind: "solve" }> & { readonly certificate?: Certificate };

export interface RunRecord {
  readonly file: string;
  readonly backend: string;
  /** What the device calls itself, where there is one. */
  readonly device?: string;
  readonly precision: "f64" | "f32";
  readonly source: string;
  readonly items: readonly RecordedItem[];
  readonly solves: readonly RecordedSolve[];
  readonly profile?: Profile;
  readonly timings: Timings;
  readonly code: ExitCode;
}

export class Recorder {
  readonly #items: RecordedItem[] = [];
  readonly #solves: RecordedSolve[] = [];
  #source = "";
  #profile: Profile | undefined;
  #timings: Timings = { check: 0, compile: 0, run: 0 };

  add(message: RunMessage): void {
    switch (message.kind) {
      case "source":
        this.#source = message.text;
        break;
      case "solve":
        this.#solves.push(message);
        break;
      case "certificate":
        attachReport(this.#solves, message.report);
        break;
      case "profile":
        this.#profile = message.profile;
        break;
      case "done":
        this.#timings = message.timings;
        break;
      case "progress":
      case "usage":
        break;
      default:
        this.#items.push(message);
    }
  }

  finish(header: Pick<RunRecord, "file" | "backend" | "device" | "precision" | "code">): RunRecord {
    return {
      ...header,
      source: this.#source,
      items: this.#items,
      solves: this.#solves,
      ...(this.#profile ? { profile: this.#profile } : {}),
      timings: this.#timings,
    };
  }
}

export function plotsIn(record: RunRecord): readonly PlotSpecification[] {
  return record.items.flatMap((item) => (item.kind === "plot" ? [item.plot] : []));
}

export function diagnosticsIn(record: RunRecord): readonly LocatedDiagnostic[] {
  return record.items.flatMap((item) => (item.kind === "diagnostic" ? [item.diagnostic] : []));
}
