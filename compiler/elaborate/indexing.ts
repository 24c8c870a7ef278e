/** Indices, slices and gathers. */
import {
  addDims,
  applyOperation,
  type Dim,
  isNegative,
  knownDim,
  multiplyDims,
  resolve,
  showDim,
  subtractDims,
} from "../core/dimension.ts";
import { type ArrayType, type Atom, intLiteral } from "../core/graph.ts";
import { add } from "../primitives/arithmetic.ts";
import { and, greaterEqual, less, lessEqual } from "../primitives/comparison.ts";
import { gather } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { select } from "../primitives/select.ts";
import { reshape, slice } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Index, Place, Span } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { isKnownBelow } from "./known-range.ts";
import type { Scope } from "./scope.ts";
import { type ArrayTerm, coreType, rankOf, shapeOf, showTermType, type Term } from "./terms.ts";

/** One axis of an index after elaboration. */
export type Selector =
  | { readonly kind: "at"; readonly index: ArrayTerm; readonly span: Span }
  | { readonly kind: "rows"; readonly indices: ArrayTerm; readonly span: Span }
  | {
      readonly kind: "slice";
      readonly start: ArrayTerm | undefined;
      readonly stop: ArrayTerm | undefined;
      readonly step: number;
      readonly span: Span;
    };

export function elaborateIndex(e: Elaborator, x: Index, scope: Scope): Term {
  const base = e.expression(x.base, scope);
  if (base.kind === "error") return base;
  if (base.kind === "function") {
    // `zeros[n]` without a call: constructors that take nothing else are values at once.
    const positional = x.places.map((p) => {
      if (p.kind === "slice")
        fail("K0232", p.span, "A slice is no dimension.", {
          help: "Brackets after a function give sizes: `zeros[n, d]`.",
        });
      return p;
    });
    const dims = {
      positional: positional.filter((p) => p.kind === "at").map((p) => e.dimension(p.value, scope)),
      named: new Map(
        positional
          .filter((p) => p.kind === "dimension")
          .map((p) => [p.name.name, e.dimension(p.value, scope)] as const),
      ),
    };
    if (constructors.has(base.name))
      return base.apply({ positional: [], named: new Map(), dimensions: dims, span: x.span });
    return { ...base, apply: (args) => base.apply({ ...args, dimensions: dims }) };
  }
  const selectors = x.places.map((p) => elaboratePlace(e, p, scope));
  return indexTerm(e, base, selectors, x.span);
}

/** Functions of their sizes alone: `zeros[n]` is a value, not a function waiting for arguments. */
const constructors = new Set(["zeros", "ones", "eye", "iota"]);

export function elaboratePlace(e: Elaborator, place: Place, scope: Scope): Selector {
  if (place.kind === "dimension")
    fail("K0250", place.span, `An index has no named places, but this says \`${place.name.name} = ...\`.`, {
      help: "Names are for the sizes of a function: `init[h = 64](k)`.",
    });
  if (place.kind === "at") {
    const given = e.expression(place.value, scope);
    const t = given.kind === "range" ? e.rangeToArray(given, place.span) : given;
    if (t.kind === "error") e.giveUp();
    if (t.kind !== "array" || t.type !== "int")
      fail("K0251", place.span, `An index is an int or an array of ints, but this is ${showTermType(t)}.`, {
        ...(t.kind === "array" && t.type === "bool"
          ? { help: "A mask is no index, for the length would depend on data: use `where(mask, x, 0)` or `top_k`." }
          : t.kind === "array" && t.type === "real"
            ? { help: "`int(x)` rounds toward zero." }
            : t.kind === "text"
              ? { help: `A field is read by its name: \`x.${t.text}\`.` }
              : {}),
      });
    return rankOf(t) === 0
      ? { kind: "at", index: t, span: place.span }
      : { kind: "rows", indices: t, span: place.span };
  }
  const end = (x: typeof place.start): ArrayTerm | undefined => {
    if (!x) return undefined;
    const t = e.expression(x, scope);
    if (t.kind === "error") e.giveUp();
    if (t.kind !== "array" || t.type !== "int" || rankOf(t) > 0)
      fail("K0251", x.span, `The ends of a slice are ints, but this is ${showTermType(t)}.`);
    return t;
  };
  let step = 1;
  if (place.step) {
    const { step: written } = place;
    const refuse = (): never =>
      fail("K0252", written.span, "The step of a slice is a positive number.", {
        help: "`flip(x)` turns an axis around.",
      });
    if (written.kind === "unary") refuse();
    const known = knownDim(e.dimension(written, scope));
    if (known === undefined || known < 1) return refuse();
    step = known;
  }
  return { kind: "slice", start: end(place.start), stop: end(place.stop), step, span: place.span };
}

function indexTerm(e: Elaborator, base: Term, selectors: readonly Selector[], span: Span): Term {
  if (base.kind === "range") return indexTerm(e, e.rangeToArray(base, span), selectors, span);
  if (base.kind === "tuple") {
    const single = base.items.find((t) => t.kind === "array" && rankOf(t) === 0);
    if (single)
      fail(
        "K0254",
        span,
        `An index picks from the arrays of a tuple, but this one holds a single number: ${showTermType(base)}.`,
        {
          help: base.names
            ? `A field is read by its name: \`p.${base.names[0]}\`.`
            : "The parts of a plain tuple get names by a pattern: `let (a, b) = p`.",
        },
      );
    return { kind: "tuple", names: base.names, items: base.items.map((t) => indexTerm(e, t, selectors, span)) };
  }
  if (base.kind === "error") return base;
  if (base.kind !== "array") fail("K0253", span, `Only arrays have indices, but this is ${showTermType(base)}.`);
  if (selectors.length > rankOf(base))
    fail(
      "K0254",
      span,
      `${selectors.length === 1 ? "An index is" : `${selectors.length} indices are`} given, but this is ${showTermType(base)}.`,
      {
        help:
          rankOf(base) === 0
            ? "A single number has no indices."
            : `It has ${rankOf(base) === 1 ? "one axis" : `${rankOf(base)} axes`}.`,
      },
    );
  if (selectors.filter((s) => s.kind === "rows").length > 1)
    fail("K0255", span, "Only one index may be an array.", {
      help: "Two would pair up or cross. Pairs are picked by `[z[i] for (z, i) in zip(Z, y)]`; for the cross index twice: `X[rows][:, columns]`.",
    });
  let array = base;
  let axis = 0;
  for (const s of selectors) {
    if (s.kind === "at") array = takeOne(e, array, axis, s);
    else if (s.kind === "rows") {
      array = takeRows(e, array, axis, s.indices, s.span);
      axis += rankOf(s.indices);
    } else {
      array = takeSlice(e, array, axis, s);
      axis += 1;
    }
  }
  return array;
}

const withAxis = (shape: readonly Dim[], axis: number, replacement: readonly Dim[]) => [
  ...shape.slice(0, axis),
  ...replacement,
  ...shape.slice(axis + 1),
];

export function takeOne(
  e: Elaborator,
  x: ArrayTerm,
  axis: number,
  s: { readonly index: ArrayTerm; readonly span: Span },
): ArrayTerm {
  const shape = shapeOf(x);
  const size = shape[axis]!;
  const type = coreType(x.type, withAxis(shape, axis, []));
  const known = s.index.dimension !== undefined ? resolve(s.index.dimension) : undefined;
  const n = knownDim(size);
  if (typeof known === "number") {
    const tooLow = n !== undefined && (known >= n || known < -n);
    if (tooLow)
      fail("K0256", s.span, `The index ${known} is outside an axis of size ${n}.`, {
        help:
          n === 0 ? "The axis is empty." : `Indices run from 0 to ${n - 1}, or from -${n} to -1 counting from the end.`,
      });
    const atom = e.emit("index", [x.atom], type, (b) => {
      const at = known < 0 ? (n as number) + known : known;
      const full = x.atom.type.shape;
      const start = full.map((_, i) => (i === axis ? at : 0));
      const stop = full.map((d, i) => (i === axis ? at + 1 : d));
      return reshape(
        b,
        slice(
          b,
          x.atom,
          start,
          stop,
          full.map(() => 1),
        ),
        type.shape,
      );
    });
    return { kind: "array", type: x.type, atom };
  }
  return taken(e, x, axis, { index: normalised(e, s.index, size, s.span), type });
}

function takeRows(e: Elaborator, x: ArrayTerm, axis: number, indices: ArrayTerm, span: Span): ArrayTerm {
  const shape = shapeOf(x);
  const type = coreType(x.type, withAxis(shape, axis, shapeOf(indices)));
  return taken(e, x, axis, { index: normalised(e, indices, shape[axis]!, span), type });
}

function taken(
  e: Elaborator,
  x: ArrayTerm,
  axis: number,
  { index, type }: { readonly index: Atom; readonly type: ArrayType },
): ArrayTerm {
  const inside = isSureToBeInside(e, index, shapeOf(x)[axis]!);
  const atom = e.emit("gather", [x.atom, index], type, (b) => gather(b, x.atom, index, axis, 0, inside));
  return { kind: "array", type: x.type, atom };
}

/** Whether the entries of an array of ints are known to be places of an axis, counted from its beginning. */
export function isSureToBeInside(e: Elaborator, index: Atom, size: Dim): boolean {
  return e.mode === "bind" && isKnownBelow(e.builder, index, knownDim(size)!);
}

/** Counts negative positions from the end, and promises that all are inside. */
export function normalised(e: Elaborator, index: ArrayTerm, size: Dim, span: Span): Atom {
  if (e.mode === "check" || isSureToBeInside(e, index.atom, size)) return index.atom;
  const n = intLiteral(knownDim(size)!);
  const b = e.builder;
  return e.at(span, () => {
    const inside = and(b, greaterEqual(b, index.atom, intLiteral(-n.value)), less(b, index.atom, n));
    e.require(
      span,
      "K0401",
      inside,
      [index.atom],
      `The index {0} is outside an axis of size ${n.value}.`,
      "Indices run from 0 to the size less one; negative ones count from the end.",
    );
    return select(b, less(b, index.atom, intLiteral(0)), add(b, index.atom, n), index.atom);
  });
}

interface Extent {
  readonly length: Dim;
  /** A known start, or an int computed while running. */
  readonly start: Dim | Atom;
}

export function isDim(x: Dim | Atom): x is Dim {
  return typeof x === "number" || "terms" in x;
}

/** Where a slice starts and how many places it takes. Never clamped: what does not fit is an error. */
export function extentOf(size: Dim, s: Extract<Selector, { kind: "slice" }>): Extent {
  const place = (t: ArrayTerm | undefined, otherwise: Dim): Dim | undefined => {
    if (t === undefined) return otherwise;
    if (t.dimension === undefined) return undefined;
    const d = resolve(t.dimension);
    return isNegative(d) ? addDims(size, d) : d;
  };
  const [start, stop] = [place(s.start, 0), place(s.stop, size)];
  if (start !== undefined && stop !== undefined) {
    const count = resolve(subtractDims(stop, start));
    const problems: [Dim, string][] = [
      [subtractDims(size, stop), `The slice ends at ${showDim(stop)}, but the axis has ${showDim(size)} places.`],
      [start, `The slice starts at ${showDim(start)}, before the axis.`],
      [count, `The slice starts at ${showDim(start)}, after its end ${showDim(stop)}.`],
    ];
    for (const [slack, message] of problems) {
      const known = knownDim(slack);
      if (known !== undefined && known < 0)
        fail("K0257", s.span, message, { help: "Slices are never clamped: both ends must lie on the axis." });
    }
    const length = s.step === 1 ? count : applyOperation("div", addDims(count, s.step - 1), s.step);
    return { length, start };
  }
  // `X[i:i + 128]`: the difference of the ends must be a dimension.
  if (!s.start || !s.stop)
    fail("K0258", s.span, "The length of this slice is computed while the program runs.", {
      help: "Its length must be a size: `X[i:i + 128]`.",
    });
  const length = differenceOf(s.start, s.stop);
  if (length === undefined || s.step !== 1)
    fail("K0258", s.span, "The length of this slice is computed while the program runs.", {
      help: "Its length must be a size: write the end as the start plus a size, `X[i:i + 128]`.",
    });
  return { length, start: s.start.atom };
}

/** `b - a` when one was made from the other, or both from one int, by adding dimensions. */
function differenceOf(a: ArrayTerm, b: ArrayTerm): Dim | undefined {
  const [x, y] = [a.offset ?? { base: a.atom, by: 0 }, b.offset ?? { base: b.atom, by: 0 }];
  return x.base === y.base ? resolve(subtractDims(y.by, x.by)) : undefined;
}

function takeSlice(e: Elaborator, x: ArrayTerm, axis: number, s: Extract<Selector, { kind: "slice" }>): ArrayTerm {
  const shape = shapeOf(x);
  if (!s.start && !s.stop && s.step === 1) return x;
  const { length, start } = extentOf(shape[axis]!, s);
  const type = coreType(x.type, withAxis(shape, axis, [length]));
  if (isDim(start)) {
    const atom = e.emit("slice", [x.atom], type, (b) => {
      const full = x.atom.type.shape;
      const from = full.map((_, i) => (i === axis ? start : 0));
      const last = addDims(start, addDims(multiplyDims(s.step, subtractDims(length, 1)), 1));
      const to = full.map((d, i) => (i === axis ? (knownDim(length) === 0 ? start : last) : d));
      return slice(
        b,
        x.atom,
        from,
        to,
        full.map((_, i) => (i === axis ? s.step : 1)),
      );
    });
    return { kind: "array", type: x.type, atom };
  }
  const rows = runtimeRows(e, start, length, shape[axis]!, s.span);
  const atom = e.emit("gather", [x.atom, rows], type, (b) => gather(b, x.atom, rows, axis));
  return { kind: "array", type: x.type, atom };
}

export function runtimeRows(e: Elaborator, start: Atom, length: Dim, size: Dim, span: Span): Atom {
  if (e.mode === "check") return e.emit("rows", [start], { dtype: "int", shape: [length] }, () => start);
  const b = e.builder;
  const [n, count] = [knownDim(size)!, knownDim(length)!];
  // Counted from the end, a slice may reach the end of the axis, but not go on at its beginning.
  const negative = less(b, start, intLiteral(0));
  const last = select(b, negative, intLiteral(-count), intLiteral(n - count));
  const inside = and(b, greaterEqual(b, start, intLiteral(-n)), lessEqual(b, start, last));
  e.require(
    span,
    "K0402",
    inside,
    [start],
    `The slice of ${count} from {0} leaves an axis of size ${n}.`,
    "Slices are never clamped: both ends must lie on the axis.",
  );
  const from = select(b, negative, add(b, start, intLiteral(n)), start);
  return add(b, iota(b, length), from);
}
