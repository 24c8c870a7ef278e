/** The leading axis of arrays and of tuples of them: its length, its entries, and new ones. */
import { compareDims, type Dim, showDim } from "../core/dimension.ts";
import { broadcast, concat, reshape } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { takeOne } from "./indexing.ts";
import { commonType, convertTo } from "./operators.ts";
import {
  type ArrayTerm,
  alignFields,
  coreType,
  mapLeaves,
  rankOf,
  sameStructure,
  shapeOf,
  showTermType,
  type Term,
  tupleTerm,
} from "./terms.ts";

/** The size of the leading axis of an array or of all leaves of a tuple of arrays; an empty tuple within has no say. */
export function lengthOf(e: Elaborator, term: Term, span: Span): Dim {
  if (term.kind === "range") return e.lengthOfRange(term, span);
  if (term.kind === "array") {
    if (rankOf(term) === 0)
      fail("K0263", span, `This is ${showTermType(term)}: a single value has no length.`, {
        ...(term.type === "int" ? { help: "Count with a range: `0..n`." } : {}),
      });
    return shapeOf(term)[0]!;
  }
  const parts = term.kind === "tuple" ? term.items.filter((t) => !isHollow(t)) : [];
  if (parts.length > 0) {
    const lengths = parts.map((t) => lengthOf(e, t, span));
    for (const l of lengths)
      if (compareDims(l, lengths[0]!) === "different")
        fail("K0264", span, `The parts have different lengths: ${lengths.map(showDim).join(" and ")}.`);
    return lengths[0]!;
  }
  if (term.kind === "error") e.giveUp();
  return fail("K0265", span, `This is ${showTermType(term)}, which has no length.`);
}

/** Whether this is a tuple without leaves, such as the duals of a model without equations. */
function isHollow(term: Term): boolean {
  return term.kind === "tuple" && term.items.every(isHollow);
}

/** Entry `i` along the leading axis, leaf by leaf. */
export function leadingSlice(e: Elaborator, term: Term, i: number): Term {
  return mapLeaves(term, (leaf) => takeOne(e, leaf, 0, { index: e.dimensionTerm(i), span: e.builder.span! }));
}

/** `[a, b, c]`: the values along a new leading axis. */
export function stackTerms(e: Elaborator, given: readonly Term[], spans: readonly Span[], span: Span): Term {
  const items = given.map((t) => (t.kind === "range" ? e.rangeToArray(t, span) : t));
  if (items.some((t) => t.kind === "error")) e.giveUp();
  const first = items[0];
  if (!first)
    return {
      kind: "array",
      type: "real",
      atom: e.emit("empty", [], coreType("real", [0]), (b) =>
        broadcast(b, { kind: "literal", value: 0, type: coreType("real", []) }, [0], []),
      ),
    };
  items.forEach((t, i) => {
    if (t.kind !== "array" && t.kind !== "tuple")
      fail("K0266", spans[i], `An array holds numbers, but this is ${showTermType(t)}.`, {
        help:
          t.kind === "text"
            ? "There are no values of text: strings are captions, paths and titles."
            : "Keep functions in a tuple.",
      });
    if (!sameStructure(first, t))
      fail(
        "K0267",
        spans[i],
        `The entries of an array have one type, but the first is ${showTermType(first)} and this is ${showTermType(t)}.`,
      );
  });
  if (first.kind === "tuple")
    return tupleTerm(
      first.items.map((_, i) =>
        stackTerms(
          e,
          items.map((t) =>
            t.kind === "tuple" ? (first.names && t.names ? alignFields(t, first.names)! : t).items[i]! : t,
          ),
          spans,
          span,
        ),
      ),
      first.names,
    );
  const arrays = items as ArrayTerm[];
  const type = commonType(arrays, "an array", span);
  const shape = shapeOf(arrays[0]!);
  arrays.forEach((t, i) => {
    const own = shapeOf(t);
    if (own.length !== shape.length || own.some((d, k) => compareDims(d, shape[k]!) === "different"))
      fail(
        "K0267",
        spans[i],
        `The entries of an array have one shape, but the first is ${showTermType(arrays[0]!)} and this is ${showTermType(t)}.`,
      );
    e.deferEquality(own, shape, "an array", spans[i]);
  });
  const atoms = arrays.map((t) => convertTo(e, t, type).atom);
  const core = coreType(type, [items.length, ...shape]);
  const atom = e.emit("stack", atoms, core, (b) => {
    const element = coreType(type, shape).shape;
    const rows = atoms.map((a) => (element.length === 0 ? broadcast(b, a, [1], []) : reshape(b, a, [1, ...element])));
    return rows.length === 1 ? rows[0]! : concat(b, rows, 0);
  });
  return { kind: "array", type, atom };
}
