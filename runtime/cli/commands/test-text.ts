/** `karush test` for people: a line a property, and what is known of one that failed. */
import type { Value } from "../../../compiler/program.ts";
import { largestDifferences } from "../../properties/differences.ts";
import { literal } from "../../properties/literal.ts";
import type { PropertyResult } from "../../properties/run-property.ts";
import { palette } from "../../show/colors.ts";
import { formatNumber } from "../../show/numbers.ts";
import { counted, harmless, padEnd, padStart } from "../../show/text.ts";
import { renderShown, renderValue } from "../../show/values.ts";
import type { TestedFile, TestedProperty } from "./test-result.ts";

export interface TestStyle {
  readonly color: boolean;
  readonly width: number;
}

/** Longer values are shown as `show` shows them; the seed brings them back in full. */
const longestLiteral = 400;
/** Entries of two arrays that are shown beside each other. */
const mostEntries = 8;

export function outcomeLine({ file, title, place, result }: TestedProperty, style: TestStyle): string {
  const paint = palette(style.color);
  const name = `${harmless(file)}: ${harmless(title)}`;
  if (result.kind !== "passed") return `${paint.bad("failed")}  ${name} ${paint.faint(`(${place})`)}`;
  const counts = [counted(result.runs, "run"), ...refused(result)];
  return `${paint.good("ok")}      ${name} ${paint.faint(`(${counts.join(", ")})`)}`;
}

function refused({ discarded, kinks }: { readonly discarded: number; readonly kinks: number }): string[] {
  return [...(discarded > 0 ? [`${discarded} discarded`] : []), ...(kinks > 0 ? [`${kinks} at kinks`] : [])];
}

/** `2 passed, 1 failed (seed 7)`; undefined where there are no properties. */
export function summaryLine(tested: readonly TestedFile[], seed: number): string | undefined {
  const all = tested.flatMap((t) => t.properties ?? []);
  if (all.length < 2) return undefined;
  const passed = all.filter((p) => p.result.kind === "passed").length;
  return `${passed} passed, ${all.length - passed} failed (seed ${seed})`;
}

/** What is known of a failure, indented: the smallest inputs, the two sides, how to see it again. */
export function failureText(tested: TestedProperty, style: TestStyle): string {
  const { result } = tested;
  if (result.kind === "passed") return "";
  const lines =
    result.kind === "exhausted"
      ? [exhausted(result)]
      : [
          `after ${counted(result.runs, "run")} and ${counted(result.shrinks, "simplification")}, it ${tested.error ? "has no answer" : "is false"} for`,
          "",
          ...result.inputs.map(({ name, value }) => `  let ${name} = ${inputText(value, style)}`),
          ...sides(result.sides, style),
          ...(tested.error ? ["", tested.error.text] : []),
          "",
          `See it again: ${tested.replay}`,
        ];
  const indented = lines.flatMap((line) => line.split("\n")).map((line) => (line === "" ? "" : `  ${line}`));
  return indented.join("\n");
}

function exhausted({ runs, discarded, kinks }: Extract<PropertyResult, { kind: "exhausted" }>): string {
  const all = runs + discarded + kinks;
  const why = [
    ...(discarded > 0 ? [`the \`where\` clause refused ${discarded}`] : []),
    ...(kinks > 0 ? [`${kinks} were at kinks`] : []),
  ];
  return `Of ${all} inputs ${why.join(" and ")}: too few are left to say anything.`;
}

function inputText(value: Value, { width }: TestStyle): string {
  const text = literal(value);
  return text.length <= longestLiteral ? text : renderValue(value, { color: false, width: width - 6 });
}

/** The two sides: below each other where they are short, and entry by entry where they differ most. */
function sides(
  compared: Extract<PropertyResult, { kind: "failed" }>["sides"],
  { color, width }: TestStyle,
): readonly string[] {
  if (compared.length === 0) return [];
  const [left, right] = compared;
  const isNumber = ({ value }: { readonly value: Value }) => value.kind === "array" && value.array.data.length === 1;
  const differing =
    right && compared.length === 2 && !isNumber(right) ? largestDifferences(left!.value, right.value, mostEntries) : [];
  if (left && right && differing && differing.length > 0) {
    const column = (head: string, cells: readonly string[]) => {
      const size = Math.max(head.length, ...cells.map((c) => c.length));
      return [head, ...cells].map((c) => padStart(c, size));
    };
    const numbers = differing.map((d) => pairText(d.left, d.right));
    const places = ["", ...differing.map((d) => d.place)];
    const size = Math.max(...places.map((p) => p.length));
    const a = column(
      harmless(left.expression),
      numbers.map((n) => n[0]),
    );
    const b = column(
      harmless(right.expression),
      numbers.map((n) => n[1]),
    );
    return ["", "and differs most here:", ...places.map((p, i) => `  ${padEnd(p, size)}  ${a[i]}  ${b[i]}`)];
  }
  if (compared.every(isNumber) && right && compared.length === 2) {
    const [a, b] = pairText(numberOf(left!.value), numberOf(right.value));
    const names = compared.map((s) => harmless(s.expression));
    const size = Math.max(...names.map((n) => n.length));
    if (compared.every(({ value }) => value.kind === "array" && (value.type === "real" || value.type === "int")))
      return ["", `  ${padEnd(names[0]!, size)}  ${a}`, `  ${padEnd(names[1]!, size)}  ${b}`];
  }
  const items = compared.map(({ expression, value }) => ({ kind: "value" as const, expression, value }));
  return [
    "",
    ...renderShown(items, { color, width: width - 4 })
      .split("\n")
      .map((line) => `  ${line}`),
  ];
}

const numberOf = (value: Value): number => (value.kind === "array" ? value.array.data[0]! : Number.NaN);

/** With as many digits as it takes to tell them apart. */
function pairText(a: number, b: number): readonly [string, string] {
  for (const digits of [6, 9, 12])
    if (formatNumber(a, digits) !== formatNumber(b, digits)) return [formatNumber(a, digits), formatNumber(b, digits)];
  return [String(a), String(b)];
}
