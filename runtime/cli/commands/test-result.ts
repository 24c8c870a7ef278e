/** What testing the properties of scripts found: what the reports are made of. */
import type { PropertyResult } from "../../properties/run-property.ts";
import type { LocatedDiagnostic } from "../../script/diagnostics.ts";

export interface TestedFile {
  readonly file: string;
  readonly diagnostics: readonly LocatedDiagnostic[];
  /** Undefined where the file does not compile or bind. */
  readonly properties: readonly TestedProperty[] | undefined;
}

export interface TestedProperty {
  readonly file: string;
  readonly title: string;
  /** `model.opt:3:1`. */
  readonly place: string;
  readonly milliseconds: number;
  readonly result: PropertyResult;
  /** The command that brings a failure back. */
  readonly replay: string | undefined;
  /** What was thrown, when the property did not come to an answer. */
  readonly error: LocatedDiagnostic | undefined;
}
