/** What a data format is: how its files become one array, told apart by their extension. */

import { tooLargeForSingle } from "../../compiler/core/single-precision.ts";
import type { DataDeclaration } from "../../compiler/program.ts";
import { type DiagnosticExtras, fail } from "../../compiler/syntax/diagnostic.ts";
import type { StringLiteral } from "../../compiler/syntax/tree.ts";
import { sizeText } from "../show/sizes.ts";

/** A file that is being read for a `data` declaration. */
export interface DataSource {
  /** The path as written, for messages. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** How messages call it; `the file` when left out. */
  readonly noun?: string;
  readonly declaration: DataDeclaration;
  /** The caller chose this file instead of the declared one, so a selection it cannot have is passed over. */
  readonly overridden: boolean;
  /** The most bytes that reading it may take. */
  readonly mostBytes?: number | undefined;
  /** f64 when left out. */
  readonly precision?: "f64" | "f32" | undefined;
}

export type RawValues = ArrayLike<number>;

/** An array as it stands in a file, before it is compared with its declaration. */
export interface RawArray {
  readonly shape: readonly number[];
  readonly values: RawValues;
  /** Where an entry stands in the file: `row 3, column "bmi"`. */
  where(index: number): string;
}

export interface DataReader {
  /** With the dot, in lower case. */
  readonly extensions: readonly string[];
  /** Throws a DiagnosticError for whatever is wrong with the file. */
  read(source: DataSource): RawArray;
}

/** The codes of this folder; each has its page in spec/errors.md. */
export const codes = {
  missingFile: "K0301",
  unknownExtension: "K0302",
  outsideFolder: "K0303",
  unknownColumn: "K0304",
  ragged: "K0305",
  missingValue: "K0306",
  notANumber: "K0307",
  wrongRank: "K0308",
  wrongSize: "K0309",
  notAnInteger: "K0310",
  damaged: "K0311",
  tooLarge: "K0312",
  selection: "K0313",
  empty: "K0314",
  duplicateColumn: "K0315",
  unsupportedType: "K0316",
  unreadable: "K0317",
  noFile: "K0318",
  noHeader: "K0319",
  tooMuchMemory: "K1100",
  tooLargeForSingle,
  unwritable: "K0331",
  unsavable: "K0332",
} as const;

type Code = (typeof codes)[keyof typeof codes];

/** Reports what is wrong with a file, at the path in the declaration. */
export function badFile(source: DataSource, code: Code, message: string, extras: DiagnosticExtras = {}): never {
  fail(code, source.declaration.pathSpan ?? source.declaration.span, `${source.name}: ${message}`, extras);
}

/** Reports a name in a selection that the file does not have, at that name. */
export function badName(source: DataSource, name: StringLiteral, code: Code, message: string, help?: string): never {
  fail(code, name.span, `${source.name} ${message}`, help === undefined ? {} : { help });
}

/** More elements than this cannot be meant: an array of them would take 16 GiB. */
export const mostElements = 2 ** 31;

/** Reports a file that takes more memory than there may be, before any is set aside for it. */
export function refuseLarge(source: DataSource, bytes: number): void {
  const { mostBytes } = source;
  if (mostBytes === undefined || bytes <= mostBytes) return;
  const left = mostBytes <= 0 ? "nothing is left of what may be" : `more than the ${sizeText(mostBytes)} there may be`;
  badFile(source, codes.tooMuchMemory, `reading it takes ${sizeText(bytes)} of memory: ${left}.`, {
    help: "Read a part of it, or set the limit higher with `--max-memory`.",
  });
}

/** The place of an entry by its indices: `entry [3, 0]`. */
export function entryPlace(shape: readonly number[], index: number): string {
  const indices: number[] = [];
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    indices.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return indices.length === 0 ? "the value" : `entry [${indices.join(", ")}]`;
}
