/** Updated copies: `x with [i] = e`, `s with (t: e)`. */
import { compareDims, type Dim, knownDim, productOfDims, showDim } from "../core/dimension.ts";
import { type Atom, intLiteral } from "../core/graph.ts";
import { add, mul } from "../primitives/arithmetic.ts";
import { scatterAdd, scatterSet } from "../primitives/gather.ts";
import { iota } from "../primitives/iota.ts";
import { broadcast, reshape } from "../primitives/shape.ts";
import { fail } from "../syntax/diagnostic.ts";
import type { Span, With } from "../syntax/tree.ts";
import type { Elaborator } from "./elaborator.ts";
import { elaboratePlace, extentOf, isDim, normalised, runtimeRows, type Selector } from "./indexing.ts";
import { commonShape, commonType, convertTo, stretch } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { alignFields, coreType, rankOf, sameStructure, shapeOf, showTermType, type Term, tupleTerm } from "./terms.ts";

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
