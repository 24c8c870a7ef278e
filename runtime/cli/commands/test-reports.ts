/** `karush test` for programs: JSON, TAP (version 14, https://testanything.org) and the XML that JUnit's readers take. */
import { literal } from "../../properties/literal.ts";
import { jsonDiagnostic } from "../../show/document.ts";
import { type Json, jsonShape, jsonValue } from "../../show/json.ts";
import type { TestedFile, TestedProperty } from "./test-result.ts";
import { failureText } from "./test-text.ts";

export function jsonReport(tested: readonly TestedFile[], seed: number): Json {
  return {
    seed,
    files: tested.map(({ file, diagnostics, properties }) => ({
      file,
      diagnostics: diagnostics.map(jsonDiagnostic),
      properties: properties?.map(jsonProperty) ?? null,
    })),
  };
}

function jsonProperty({ title, place, milliseconds, result, replay, error }: TestedProperty): Json {
  const common = { title, place, outcome: result.kind, runs: result.runs, milliseconds };
  if (result.kind !== "failed") return { ...common, discarded: result.discarded, kinks: result.kinks };
  return {
    ...common,
    shrinks: result.shrinks,
    seed: result.seed,
    path: result.path,
    replay: replay ?? null,
    inputs: result.inputs.map(({ name, value }) => ({
      name,
      shape: jsonShape(value),
      value: jsonValue(value),
      source: literal(value),
    })),
    sides: result.sides.map(({ expression, value }) => ({
      expr: expression,
      shape: jsonShape(value),
      value: jsonValue(value),
    })),
    error: error ? jsonDiagnostic(error) : null,
  };
}

/** `explain` gives what is known of a failure. */
export function tapReport(tested: readonly TestedFile[], explain: (property: TestedProperty) => string): string {
  const points: string[][] = tested.flatMap(({ file, diagnostics, properties }) => {
    if (properties === undefined)
      return [["not ok", `${file} does not compile`, diagnostics.map((d) => d.text).join("\n")]];
    return properties.map((p) =>
      p.result.kind === "passed" ? ["ok", `${file}: ${p.title}`] : ["not ok", `${file}: ${p.title}`, explain(p)],
    );
  });
  const lines = points.flatMap(([verdict, name, text], i) => {
    // A number sign would begin a directive.
    const point = `${verdict} ${i + 1} - ${name!.replace(/[\\#]/g, "\\$&").replace(/\s+/g, " ")}`;
    if (text === undefined) return [point];
    const block = ["message: |", ...text.split("\n").map((line) => (line === "" ? "" : `  ${line}`))];
    return [point, "  ---", ...block.map((line) => (line === "" ? "" : `  ${line}`)), "  ..."];
  });
  return ["TAP version 14", `1..${points.length}`, ...lines].join("\n");
}

/** One suite a file, one case a property. A property that did not come to an answer is an error, one that is false a failure. */
export function junitReport(tested: readonly TestedFile[]): string {
  const suites = tested.map(({ file, diagnostics, properties }) => {
    const cases = properties?.map((p) => {
      const opening = `    <testcase name="${xml(p.title)}" classname="${xml(file)}" time="${seconds(p.milliseconds)}"`;
      if (p.result.kind === "passed") return `${opening}/>`;
      const element = p.error ? "error" : "failure";
      const message = p.error?.message ?? (p.result.kind === "failed" ? "the property is false" : "nothing was tested");
      const text = failureText(p, { color: false, width: 100 });
      return `${opening}>\n      <${element} message="${xml(message)}">${xml(text)}</${element}>\n    </testcase>`;
    }) ?? [
      `    <testcase name="${xml(file)}" classname="${xml(file)}" time="0">\n      <error message="it does not compile">${xml(
        diagnostics.map((d) => d.text).join("\n"),
      )}</error>\n    </testcase>`,
    ];
    const count = (kind: "failure" | "error") => cases.filter((c) => c.includes(`<${kind} `)).length;
    const time = seconds((properties ?? []).reduce((s, p) => s + p.milliseconds, 0));
    const totals = `tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}" time="${time}"`;
    return `  <testsuite name="${xml(file)}" ${totals}>\n${cases.map((c) => `${c}\n`).join("")}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n${suites.join("")}</testsuites>\n`;
}

const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3);

/** Text as XML has it. Control characters have no place there, not even escaped. */
function xml(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text
    .replace(/[&<>"]/g, (c) => escapes[c]!)
    .replace(/\p{Cc}/gu, (c) => (c === "\n" ? c : c === "\t" ? " " : "\uFFFD"));
}
