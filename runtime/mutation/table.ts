/** A mutation check as text: a row an area, then what survived. */
import type { Area } from "./areas.ts";
import type { CheckResult, Judged } from "./check.ts";
import { equivalenceOf } from "./equivalent-mutants.ts";

export function tableOf(areas: readonly Area[], { total, judged, failing }: CheckResult): string {
  const row = (name: string, those: readonly Judged[]): string[] => {
    const equivalent = those.filter((j) => j.fate !== "killed" && equivalenceOf(j.mutant) !== undefined).length;
    const killed = those.filter((j) => j.fate === "killed").length;
    const rest = those.length - equivalent;
    const share = rest === 0 ? "" : `${((100 * killed) / rest).toFixed(1)} %`;
    return [name, those.length, killed, rest - killed, equivalent, share].map(String);
  };
  const rows = [
    ["area", "tried", "killed", "survived", "equivalent", "killed of the rest"],
    ...areas.map(({ name, files }) =>
      row(
        name,
        judged.filter((j) => files.includes(j.mutant.file)),
      ),
    ),
    row("all", judged),
  ];
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((r) => r[i]!.length)));
  const lines = rows.map((r) =>
    r
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
  const survivors = judged
    .filter((j) => j.fate !== "killed")
    .map(describe)
    .sort();
  return [
    `${judged.length} of ${total} mutants were tried.`,
    "",
    ...lines,
    ...(survivors.length > 0 ? ["", "Survivors:", ...survivors.map((s) => `  ${s}`)] : []),
    ...(failing.length > 0 ? ["", "Tests that fail without any mutant:", ...failing.map((f) => `  ${f}`)] : []),
  ].join("\n");
}

function describe({ mutant, fate }: Judged): string {
  const why = equivalenceOf(mutant);
  return `${mutant.file}:${mutant.line} (${fate}) ${mutant.shown}${why === undefined ? "" : `\n    equivalent: ${why}`}`;
}
