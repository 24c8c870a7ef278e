/** The document `karush run --json` prints: its fields are a contract with programs. */
import type { Certificate } from "../../compiler/certificate.ts";
import type { NdArray } from "../../compiler/core/array.ts";
import type { PlotSpecification } from "../../compiler/program.ts";
import type { Profile } from "../profile/profiler.ts";
import type { LocatedDiagnostic } from "../script/diagnostics.ts";
import { type Json, jsonNumber, jsonShape, jsonValue } from "./json.ts";
import { diagnosticsIn, plotsIn, type RunRecord } from "./record.ts";

export function jsonDocument(record: RunRecord): Json {
  const diagnostics = diagnosticsIn(record).map(jsonDiagnostic);
  return {
    file: record.file,
    backend: record.backend,
    ...(record.device === undefined ? {} : { device: record.device }),
    precision: record.precision,
    shown: shown(record),
    asserts: record.items.flatMap((item) =>
      item.kind === "assert" ? [{ expr: item.expression, message: item.message ?? null, passed: item.passed }] : [],
    ),
    plots: plotsIn(record).map(jsonPlot),
    saved: record.items.flatMap((item) => (item.kind === "save" ? [{ expr: item.expression, path: item.path }] : [])),
    solves: record.solves.map(({ expression, status, iterations, error, certificate }) => ({
      expr: expression,
      status,
      iterations,
      error: jsonNumber(error),
      ...(certificate ? { certificate: jsonCertificate(certificate) } : {}),
    })),
    timings: { ...record.timings },
    ...(record.profile ? { profile: jsonProfile(record.profile) } : {}),
    ...(diagnostics.length > 0 ? { diagnostics } : {}),
  };
}

/** Fields that are not known are null. */
function jsonProfile({ clock, milliseconds, statements, kernels }: Profile): Json {
  return {
    clock,
    milliseconds,
    statements: statements.map((s) => ({
      text: s.text,
      file: s.file ?? null,
      line: s.line ?? null,
      milliseconds: s.milliseconds,
      compiling: s.compiling ?? null,
    })),
    kernels: kernels.map((k) => ({
      name: k.name,
      statement: k.statement,
      file: k.file ?? null,
      line: k.line ?? null,
      source: k.source ?? null,
      runs: k.runs,
      milliseconds: k.milliseconds,
      bytes: k.bytes ?? null,
      share: k.share,
    })),
  };
}

function jsonCertificate(certificate: Certificate): Json {
  const fields = Object.entries(certificate);
  return Object.fromEntries(fields.map(([name, x]) => [name, typeof x === "number" ? jsonNumber(x) : x]));
}

/** A caption belongs to the value after it; one that has none stands alone. */
function shown(record: RunRecord): Json[] {
  return record.items.flatMap((item) => {
    if (item.kind !== "show") return [];
    const out: Json[] = [];
    let caption: string | undefined;
    for (const part of item.items) {
      if (part.kind === "caption") {
        if (caption !== undefined) out.push({ caption });
        caption = part.text;
        continue;
      }
      const { expression, value } = part;
      out.push({
        ...(caption === undefined ? {} : { caption }),
        expr: expression,
        shape: jsonShape(value),
        value: jsonValue(value),
      });
      caption = undefined;
    }
    if (caption !== undefined) out.push({ caption });
    return out;
  });
}

function jsonPlot(plot: PlotSpecification): Json {
  return {
    expr: plot.expression,
    title: plot.title ?? null,
    kind: plot.mark,
    log: plot.logarithmic,
    x: plot.x ? jsonArray(plot.x) : null,
    series: plot.series.map(({ label, values }) => ({ label, values: jsonArray(values) })),
  };
}

function jsonArray(array: NdArray): Json {
  return jsonValue({ kind: "array", type: array.dtype, array });
}

export function jsonDiagnostic(d: LocatedDiagnostic): Json {
  return {
    code: d.code,
    severity: d.severity,
    message: d.message,
    span: d.place ? { ...d.place } : null,
    notes: d.notes.map((note) => ({ message: note.message, span: note.place ? { ...note.place } : null })),
    help: d.help ?? null,
  };
}
