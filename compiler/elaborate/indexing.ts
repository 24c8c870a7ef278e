/** Indices, slices, gathers, updated copies, and stacking. */
import {
  addDims,
  applyOperation,
  compareDims,
  type Dim,
  knownDim,
  multiplyDims,
  productOfDims,
  resolve,
  showDim,
  subtractDims,
} from "../core/dimension.ts";
import { type Atom, intLiteral } from "../core/graph.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { and, greaterEqual, less } from "../primitives/comparison.ts";
import { gather, scatterAdd, scatterSet } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { select } from "../primitives/select.ts";
import { broadcast, concat, reshape, slice } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Index, Place, Span, With } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { commonShape, commonType, convertTo, stretch } from "./operators.ts";
import type { Scope } from "./scope.ts";
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

/** One axis of an index after elaboration. */
type Selector =
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
export const constructors = new Set(["zeros", "ones", "eye", "iota"]);

function elaboratePlace(e: Elaborator, place: Place, scope: Scope): Selector {
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
    const known = knownDim(e.dimension(place.step, scope));
    if (known === undefined || known < 1)
      fail("K0252", place.step.span, "The step of a slice is a positive number.", {
        help: "`flip(x)` turns an axis around.",
      });
    step = known;
  }
  return { kind: "slice", start: end(place.start), stop: end(place.stop), step, span: place.span };
}

export function indexTerm(e: Elaborator, base: Term, selectors: readonly Selector[], span: Span): Term {
  if (base.kind === "range") return indexTerm(e, e.rangeToArray(base, span), selectors, span);
  if (base.kind === "tuple")
    return { kind: "tuple", names: base.names, items: base.items.map((t) => indexTerm(e, t, selectors, span)) };
  if (base.kind === "error") return base;
  if (base.kind !== "array") fail("K0253", span, `Only arrays have indices, but this is ${showTermType(base)}.`);
  if (selectors.length > rankOf(base))
    fail("K0254", span, `${selectors.length} indices are given, but this is ${showTermType(base)}.`, {
      help:
        rankOf(base) === 0
          ? "A single number has no indices."
          : `It has ${rankOf(base) === 1 ? "one axis" : `${rankOf(base)} axes`}.`,
    });
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

function takeOne(
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
  const index = normalised(e, s.index, size, s.span);
  const atom = e.emit("gather", [x.atom, index], type, (b) => gather(b, x.atom, index, axis));
  return { kind: "array", type: x.type, atom };
}

function takeRows(e: Elaborator, x: ArrayTerm, axis: number, indices: ArrayTerm, span: Span): ArrayTerm {
  const shape = shapeOf(x);
  const index = normalised(e, indices, shape[axis]!, span);
  const type = coreType(x.type, withAxis(shape, axis, shapeOf(indices)));
  const atom = e.emit("gather", [x.atom, index], type, (b) => gather(b, x.atom, index, axis));
  return { kind: "array", type: x.type, atom };
}

/** Counts negative positions from the end, and promises that all are inside. */
function normalised(e: Elaborator, index: ArrayTerm, size: Dim, span: Span): Atom {
  if (e.mode === "check") return index.atom;
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

function isDim(x: Dim | Atom): x is Dim {
  return typeof x === "number" || "terms" in x;
}

/** Where a slice starts and how many places it takes. Never clamped: what does not fit is an error. */
function extentOf(size: Dim, s: Extract<Selector, { kind: "slice" }>): Extent {
  const place = (t: ArrayTerm | undefined, otherwise: Dim): Dim | undefined => {
    if (t === undefined) return otherwise;
    if (t.dimension === undefined) return undefined;
    const d = resolve(t.dimension);
    return typeof d === "number" && d < 0 ? addDims(size, d) : d;
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

function runtimeRows(e: Elaborator, start: Atom, length: Dim, size: Dim, span: Span): Atom {
  if (e.mode === "check") return e.emit("rows", [start], { dtype: "int", shape: [length] }, () => start);
  const b = e.builder;
  const [n, count] = [knownDim(size)!, knownDim(length)!];
  const inside = and(b, greaterEqual(b, start, intLiteral(-n)), less(b, start, intLiteral(n - count + 1)));
  e.require(
    span,
    "K0402",
    inside,
    [start],
    `The slice of ${count} from {0} leaves an axis of size ${n}.`,
    "Slices are never clamped: both ends must lie on the axis.",
  );
  const from = select(b, less(b, start, intLiteral(0)), add(b, start, intLiteral(n)), start);
  return add(b, iota(b, length), from);
}

// ---------------------------------------------------------------- updated copies

export function elaborateWith(e: Elaborator, x: With, scope: Scope): Term {
  const base = e.expression(x.base, scope);
  if (base.kind === "error") return base;
  if (x.update.kind === "fields") {
    const fields = x.update.fields;
    if (base.kind !== "tuple" || !base.names)
      fail("K0260", x.span, `\`with (...)\` replaces fields of a named tuple, but this is ${showTermType(base)}.`, {
        help: "An array is updated by `with [i] = e`.",
      });
    const names = base.names;
    const items = [...base.items];
    for (const field of fields.items) {
      const name = field.name;
      if (!name)
        fail("K0260", fields.span, "`with (...)` names the fields it replaces.", {
          help: "Write `s with (t: s.t + 1)`.",
        });
      const at = names.indexOf(name.name);
      if (at < 0)
        fail(
          "K0227",
          name.span,
          `There is no field \`${name.name}\`; the fields are ${names.map((n) => `\`${n}\``).join(", ")}.`,
          {
            help: "`with` replaces fields and adds none.",
          },
        );
      items[at] = e.expression(field.value, scope);
    }
    return tupleTerm(items, names);
  }
  const selectors = x.update.places.map((p) => elaboratePlace(e, p, scope));
  const value = e.expression(x.update.value, scope);
  if (value.kind === "error") return value;
  return updateTerm(e, base, selectors, x.update.operator, value, x.span);
}

function updateTerm(
  e: Elaborator,
  base: Term,
  selectors: readonly Selector[],
  operator: "=" | "+=",
  value: Term,
  span: Span,
): Term {
  if (base.kind === "tuple") {
    if (value.kind !== "tuple" || !sameStructure(base, value))
      fail(
        "K0261",
        span,
        `The updated value is ${showTermType(base)}, so the new entries need its fields, but they are ${showTermType(value)}.`,
      );
    const aligned = base.names && value.names ? alignFields(value, base.names)! : value;
    return tupleTerm(
      base.items.map((t, i) => updateTerm(e, t, selectors, operator, aligned.items[i]!, span)),
      base.names,
    );
  }
  if (base.kind !== "array") fail("K0253", span, `Only arrays are updated, but this is ${showTermType(base)}.`);
  const given = value.kind === "range" ? e.rangeToArray(value, span) : value;
  if (given.kind !== "array")
    fail("K0261", span, `Entries of ${showTermType(base)} are numbers, but this is ${showTermType(given)}.`);
  if (operator === "+=" && (base.type === "key" || base.type === "status"))
    fail("K0211", span, `\`+=\` wants numbers, but this is ${showTermType(base)}.`);
  const type = base.type === given.type ? base.type : commonType([base, given], "the update", span);
  const x = convertTo(e, base, type);
  const update = convertTo(e, given, type);
  const shape = shapeOf(x);
  if (selectors.length > shape.length)
    fail("K0254", span, `${selectors.length} indices are given, but this is ${showTermType(base)}.`);
  if (selectors.filter((s) => s.kind === "rows").length > 1) fail("K0255", span, "Only one index may be an array.");

  // The places as one flat list: the same update serves every kind of index.
  const target: Dim[] = [];
  const coordinates: { readonly atom: Atom; readonly at: number; readonly rank: number }[] = [];
  selectors.forEach((s, axis) => {
    if (s.kind === "at")
      coordinates.push({ atom: normalised(e, s.index, shape[axis]!, s.span), at: target.length, rank: 0 });
    else if (s.kind === "rows") {
      coordinates.push({
        atom: normalised(e, s.indices, shape[axis]!, s.span),
        at: target.length,
        rank: rankOf(s.indices),
      });
      target.push(...shapeOf(s.indices));
    } else {
      const { length, start } = extentOf(shape[axis]!, s);
      const rows = isDim(start)
        ? e.emit("rows", [], { dtype: "int", shape: [length] }, (b) =>
            add(b, mul(b, iota(b, length), intLiteral(s.step)), intLiteral(knownDim(start)!)),
          )
        : runtimeRows(e, start, length, shape[axis]!, s.span);
      coordinates.push({ atom: rows, at: target.length, rank: 1 });
      target.push(length);
    }
  });
  const rest = shape.slice(selectors.length);
  const entries: readonly Dim[] = [...target, ...rest];
  const joined = commonShape(
    e,
    [update, { kind: "array", type, atom: { kind: "literal", value: 0, type: coreType(type, entries) } }],
    "The update",
    span,
  );
  if (joined.length !== entries.length || joined.some((d, i) => compareDims(d, entries[i]!) === "different"))
    fail(
      "K0262",
      span,
      `The places chosen have the shape [${entries.map(showDim).join(", ")}], but the new entries are ${showTermType(given)}.`,
    );
  const stretched = stretch(e, update, entries);
  const atom = e.emit("update", [x.atom, stretched, ...coordinates.map((c) => c.atom)], x.atom.type, (b) => {
    const tail = x.atom.type.shape.slice(shape.length);
    const leading = shape.slice(0, selectors.length);
    let flat: Atom = intLiteral(0);
    coordinates.forEach((c, axis) => {
      const stride = knownDim(productOfDims(leading.slice(axis + 1)))!;
      const scaled = mul(b, c.atom, intLiteral(stride));
      const wide =
        target.length === 0
          ? scaled
          : broadcast(
              b,
              scaled,
              target,
              Array.from({ length: c.rank }, (_, k) => c.at + k),
            );
      flat = add(b, flat, wide);
    });
    const rows = reshape(b, flat, [productOfDims(target)]);
    const flatX = reshape(b, x.atom, [productOfDims(leading), ...rest, ...tail]);
    const flatUpdate = reshape(b, stretched, [productOfDims(target), ...rest, ...tail]);
    const result =
      operator === "=" ? scatterSet(b, flatX, rows, flatUpdate, 0) : scatterAdd(b, flatX, rows, flatUpdate, 0);
    return reshape(b, result, x.atom.type.shape);
  });
  return { kind: "array", type, atom };
}

// ---------------------------------------------------------------- leading axis, stacking

/** The size of the leading axis of an array or of all leaves of a tuple of arrays. */
export function lengthOf(e: Elaborator, term: Term, span: Span): Dim {
  if (term.kind === "range") return e.lengthOfRange(term, span);
  if (term.kind === "array") {
    if (rankOf(term) === 0)
      fail("K0263", span, `This is ${showTermType(term)}: a single value has no length.`, {
        ...(term.type === "int" ? { help: "Count with a range: `0..n`." } : {}),
      });
    return shapeOf(term)[0]!;
  }
  if (term.kind === "tuple" && term.items.length > 0) {
    const lengths = term.items.map((t) => lengthOf(e, t, span));
    for (const l of lengths)
      if (compareDims(l, lengths[0]!) === "different")
        fail("K0264", span, `The parts have different lengths: ${lengths.map(showDim).join(" and ")}.`);
    return lengths[0]!;
  }
  if (term.kind === "error") e.giveUp();
  return fail("K0265", span, `This is ${showTermType(term)}, which has no length.`);
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
        help: "Keep functions in a tuple.",
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
