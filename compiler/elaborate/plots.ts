/** Statements `plot`. */
import { knownDim } from "../core/dimension.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Argument, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { type Scope, suggest } from "./scope.ts";
import type { Effect } from "./script.ts";
import { rankOf, shapeOf, showTermType, type Term } from "./terms.ts";

/** What a `plot` statement draws, with the terms that have to be computed for it. */
export function plotEffect(
  e: Elaborator,
  args: readonly Argument[],
  scope: Scope,
  span: Span,
): { effect: Effect; terms: Term[] } {
  const options = new Map<string, { readonly term: Term; readonly span: Span }>();
  const series: { label: string; term: Term }[] = [];
  for (const a of args) {
    const given = e.expression(a.value, scope);
    const term = given.kind === "range" ? e.rangeToArray(given, a.span) : given;
    if (term.kind === "error") e.giveUp();
    if (a.name) {
      const known = ["x", "log", "kind", "title"];
      if (!known.includes(a.name.name)) {
        const near = suggest(a.name.name, known);
        fail("K0722", a.span, `\`plot\` has no option \`${a.name.name}\`.`, {
          help: near ? `Did you mean \`${near}\`?` : "Its options are `x`, `log`, `kind` and `title`.",
        });
      }
      options.set(a.name.name, { term, span: a.span });
      continue;
    }
    if (term.kind === "tuple")
      term.items.forEach((t, i) => {
        if (t.kind !== "array") fail("K0723", a.span, `\`plot\` draws vectors, but this is ${showTermType(t)}.`);
        series.push({ label: term.names?.[i] ?? `${e.textOf(a.span)}.${i}`, term: t });
      });
    else if (term.kind === "array" && term.type !== "key") series.push({ label: e.textOf(a.span), term });
    else fail("K0723", a.span, `\`plot\` draws vectors, but this is ${showTermType(term)}.`);
  }
  if (series.length === 0)
    fail("K0724", span, "`plot` needs something to draw.", { help: "Write `plot y`, or `plot y, x = t`." });
  const title = options.get("title");
  if (title && title.term.kind !== "text") fail("K0722", title.span, "The title of a plot is a text.");
  const kind = options.get("kind");
  const mark = kind?.term.kind === "word" ? kind.term.word : "line";
  if (kind && (kind.term.kind !== "word" || !["line", "scatter", "heat"].includes(mark)))
    fail("K0722", kind.span, "The kind of a plot is `line`, `scatter` or `heat`.");
  for (const s of series) {
    const rank = s.term.kind === "array" ? s.term.atom.type.shape.length : 0;
    if (rank !== (mark === "heat" ? 2 : 1))
      fail(
        "K0723",
        span,
        `\`plot\` draws ${mark === "heat" ? "a matrix as heat" : "vectors"}, but \`${s.label}\` is ${showTermType(s.term)}.`,
        {
          ...(rank === 2 ? { help: "A matrix is drawn by `kind = heat`." } : {}),
        },
      );
  }
  const log = options.get("log");
  if (log && !(log.term.kind === "array" && log.term.type === "bool" && log.term.atom.kind === "literal"))
    fail("K0722", log.span, "The option `log` of a plot is `true` or `false`.");
  const x = options.get("x");
  if (x) refuseOtherLengths(x, series);
  const effect: Effect = {
    kind: "plot",
    expression: args
      .filter((a) => !a.name)
      .map((a) => e.textOf(a.span))
      .join(", "),
    title: title?.term.kind === "text" ? title.term.text : undefined,
    mark: mark as "line" | "scatter" | "heat",
    logarithmic: log?.term.kind === "array" && log.term.atom.kind === "literal" && log.term.atom.value === 1,
    x: x?.term,
    series,
  };
  return { effect, terms: [...series.map((s) => s.term), ...(x ? [x.term] : [])] };
}

/** The points of a line have as many places as heights. */
function refuseOtherLengths(
  x: { readonly term: Term; readonly span: Span },
  series: readonly { readonly label: string; readonly term: Term }[],
): void {
  if (x.term.kind !== "array" || rankOf(x.term) !== 1)
    fail("K0723", x.span, `The places \`x\` of a plot are a vector, but this is ${showTermType(x.term)}.`);
  const places = shapeOf(x.term)[0]!;
  for (const { label, term } of series) {
    if (term.kind !== "array" || rankOf(term) !== 1) continue;
    const heights = shapeOf(term)[0]!;
    const [there, here] = [knownDim(places), knownDim(heights)];
    if (there !== undefined && here !== undefined && there !== here)
      fail("K0723", x.span, `\`${label}\` has ${here} entries, but \`x\` has ${there}.`, {
        help: "A line has a place for each of its entries.",
      });
  }
}
