/** Making and reshaping arrays. */
import {
  addDims,
  compareDims,
  type Dim,
  knownDim,
  productOfDims,
  showDim,
  subtractDims,
} from "../../core/dimension.ts";
import { intLiteral, realLiteral } from "../../core/graph.ts";
import { add, div, mul } from "../../primitives/arithmetic.ts";
import { and, equal, greaterEqual, less } from "../../primitives/comparison.ts";
import { convert } from "../../primitives/convert.ts";
import { gather, scatterAdd } from "../../primitives/gather.ts";
import { iota } from "../../primitives/iota.ts";
import { modFloor } from "../../primitives/rounding.ts";
import { broadcast, concat, pad, reshape, reverse, slice } from "../../primitives/shape.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Span } from "../../syntax/tree.ts";
import type { Elaborator } from "../elaborator.ts";
import { isSureToBeInside } from "../indexing.ts";
import { commonType, convertTo, zeroLike } from "../operators.ts";
import { lengthOf, stackTerms } from "../stacking.ts";
import {
  type ArrayTerm,
  type CallArguments,
  coreType,
  leavesOf,
  mapLeaves,
  rankOf,
  shapeOf,
  showTermType,
  type Term,
  tupleTerm,
} from "../terms.ts";
import { ravelTerm } from "./ravel.ts";
import { arrayArgument, type Builtin, oneAxis, result, sizes, take } from "./support.ts";

function constant(name: "zeros" | "ones", value: number): Builtin {
  return (e, args) => {
    take(name, args, []);
    const shape = sizes(name, args);
    return result(e, `${name} ${value}`, [], "real", shape, (b) =>
      shape.length === 0 ? realLiteral(value) : broadcast(b, realLiteral(value), shape, []),
    );
  };
}

/** `fill[n](-1)`: any value, repeated. */
const fillBuiltin: Builtin = (e, args) => {
  const [x] = take("fill", args, ["value"]);
  const shape = sizes("fill", args);
  return mapLeaves(x!.kind === "range" ? e.rangeToArray(x!, args.span) : x!, (leaf) => {
    const own = leaf.atom.type.shape;
    const axes = own.map((_, i) => i + shape.length);
    return result(e, "fill", [leaf.atom], leaf.type, [...shape, ...shapeOf(leaf)], (b) =>
      shape.length === 0 ? leaf.atom : broadcast(b, leaf.atom, [...shape, ...own], axes),
    );
  });
};

const iotaBuiltin: Builtin = (e, args) => {
  take("iota", args, []);
  const [n] = sizes("iota", args, 1);
  return result(e, "iota", [], "int", [n!], (b) => iota(b, n!));
};

const linspace: Builtin = (e, args) => {
  const [n] = sizes("linspace", args, 1);
  const [from, to] = take("linspace", args, ["from", "to"]).map((t) => arrayArgument(e, "linspace", t!, args, "real"));
  for (const end of [from!, to!])
    if (rankOf(end) > 0)
      fail("K0282", args.span, `\`linspace\` runs from one number to another, but this is ${showTermType(end)}.`);
  return result(e, "linspace", [from!.atom, to!.atom], "real", [n!], (b) => {
    const steps = Math.max(1, (knownDim(n!) ?? 2) - 1);
    const u = div(b, convert(b, iota(b, n!), "real"), realLiteral(steps));
    // Exact at both ends: (1 - u) a + u b.
    return add(b, mul(b, add(b, realLiteral(1), mul(b, u, realLiteral(-1))), from!.atom), mul(b, u, to!.atom));
  });
};

const reshapeBuiltin: Builtin = (e, args) => {
  const [x] = take("reshape", args, ["x"]);
  const a = arrayArgument(e, "reshape", x!, args);
  const shape = sizes("reshape", args);
  const [have, want] = [productOfDims(shapeOf(a)), productOfDims(shape)];
  const slack = subtractDims(have, want);
  if (knownDim(slack) !== undefined && slack !== 0)
    fail(
      "K0296",
      args.span,
      `\`reshape\` keeps all entries, but ${showTermType(a)} has ${showDim(have)} and [${shape.map(showDim).join(", ")}] would have ${showDim(want)}.`,
    );
  return result(e, "reshape", [a.atom], a.type, shape, (b) => reshape(b, a.atom, coreType(a.type, shape).shape));
};

const flatten: Builtin = (e, args) => {
  const [x] = take("flatten", args, ["x"]);
  const a = arrayArgument(e, "flatten", x!, args);
  const shape = [productOfDims(shapeOf(a))];
  return result(e, "flatten", [a.atom], a.type, shape, (b) => reshape(b, a.atom, coreType(a.type, shape).shape));
};

/** Joins arrays along an axis (the first when left out); single values join vectors. */
export const concatBuiltin: Builtin = (e, args) => {
  const axis = args.named.get("axis");
  for (const name of args.named.keys())
    if (name !== "axis") fail("K0233", args.span, `\`concat\` has no argument called \`${name}\`.`);
  if (args.positional.length === 0) fail("K0290", args.span, "`concat` of nothing.");
  const first = args.positional[0]!;
  if (first.kind === "tuple")
    return tupleTerm(
      first.items.map((_, i) =>
        concatBuiltin(e, {
          ...args,
          positional: args.positional.map((t) =>
            t.kind === "tuple" ? (e.alignTo(t, first) as typeof first).items[i]! : t,
          ),
        }),
      ),
      first.names,
    );
  const given = args.positional.map((t) => arrayArgument(e, "concat", t, args));
  const type = commonType(given, "`concat`", args.span);
  const arrays = given.map((t) => {
    const c = convertTo(e, t, type);
    return rankOf(c) > 0 ? c : (stackTerms(e, [c], [args.span], args.span) as ArrayTerm);
  });
  const rank = rankOf(arrays[0]!);
  const at = oneAxis(e, "concat", axis, rank, args, 0);
  for (const t of arrays)
    if (
      rankOf(t) !== rank ||
      shapeOf(t).some((d, i) => i !== at && compareDims(d, shapeOf(arrays[0]!)[i]!) === "different")
    )
      fail(
        "K0297",
        args.span,
        `\`concat\` joins along axis ${at}; all other sizes must agree, but these are ${showTermType(arrays[0]!)} and ${showTermType(t)}.`,
      );
  const total = arrays.map((t) => shapeOf(t)[at]!).reduce((s, t) => addDims(s, t));
  const shape = shapeOf(arrays[0]!).map((d, i) => (i === at ? total : d));
  return result(
    e,
    "concat",
    arrays.map((t) => t.atom),
    type,
    shape,
    (b) =>
      concat(
        b,
        arrays.map((t) => t.atom),
        at,
      ),
  );
};

const stack: Builtin = (e, args) => {
  const spans = args.positional.map((_, i) => args.spans?.[i] ?? args.span);
  return stackTerms(e, args.positional, spans, args.span);
};

/** `pad(x, before, after)` along the first axis, or with a pair per axis: `pad(x, (1, 1), (0, 2))`. */
const padBuiltin: Builtin = (e, args) => {
  const [x, ...widths] = args.positional;
  if (!x)
    fail("K0240", args.span, "The argument `x` of `pad` is missing.", {
      help: "Write `pad(x, before, after)`, or a pair for each axis.",
    });
  const value = args.named.get("value");
  const a = arrayArgument(e, "pad", x, args);
  const pairs =
    widths.length === 2 && widths.every((w) => w.kind === "array")
      ? [widths]
      : widths.map((w) => {
          if (w.kind !== "tuple" || w.items.length !== 2)
            fail("K0282", args.span, "`pad` takes the widths before and after, a pair for each axis.");
          return w.items;
        });
  if (pairs.length > rankOf(a))
    fail("K0286", args.span, `\`pad\` is given ${pairs.length} pairs for ${showTermType(a)}.`);
  const shape = shapeOf(a);
  const low = shape.map((_, i) => (pairs[i] ? e.asDimension(pairs[i]![0]!, args.span) : 0));
  const high = shape.map((_, i) => (pairs[i] ? e.asDimension(pairs[i]![1]!, args.span) : 0));
  const filler = value ? knownNumber(e, "pad", value, args) : 0;
  const out = shape.map((d, i) => addDims(addDims(d, low[i]!), high[i]!));
  return result(e, "pad", [a.atom], a.type, out, (b) =>
    pad(
      b,
      a.atom,
      low,
      high,
      shape.map(() => 0),
      filler,
    ),
  );
};

function knownNumber(e: Elaborator, name: string, term: Term, args: CallArguments): number {
  if (term.kind === "array" && term.atom.kind === "literal") return term.atom.value;
  if (e.mode === "check") return 0;
  return fail("K0284", args.span, `The value of \`${name}\` is a number known while compiling.`);
}

const flip: Builtin = (e, args) => {
  const [x, axis] = take("flip", args, ["x", "axis?"]);
  const a = arrayArgument(e, "flip", x!, args);
  const at = oneAxis(e, "flip", axis, rankOf(a), args, 0);
  return result(e, "flip", [a.atom], a.type, shapeOf(a), (b) => reverse(b, a.atom, [at]));
};

/** `roll(x, 1)` moves entries one place on, the last to the front. */
const roll: Builtin = (e, args) => {
  const [x, shift, axis] = take("roll", args, ["x", "shift", "axis?"]);
  const a = arrayArgument(e, "roll", x!, args);
  const s = arrayArgument(e, "roll", shift!, args, "int");
  const at = oneAxis(e, "roll", axis, rankOf(a), args, 0);
  return result(e, "roll", [a.atom, s.atom], a.type, shapeOf(a), (b) => {
    const n = shapeOf(a)[at]!;
    if (n === 0) return a.atom;
    const from = modFloor(b, add(b, iota(b, n), mul(b, s.atom, intLiteral(-1))), intLiteral(n as number));
    return gather(b, a.atom, from, at);
  });
};

const len: Builtin = (e, args) => {
  const [x] = take("len", args, ["x"]);
  return e.dimensionTerm(lengthOf(e, x!, args.span));
};

const size: Builtin = (e, args) => {
  const [x] = take("size", args, ["x"]);
  const leaves = leavesOf(x!.kind === "range" ? e.rangeToArray(x!, args.span) : x!, (leaf) =>
    fail("K0282", args.span, `\`size\` counts entries, but this is ${showTermType(leaf)}.`),
  );
  return e.dimensionTerm(leaves.map((l) => productOfDims(shapeOf(l))).reduce<Dim>((s, t) => addDims(s, t), 0));
};

const ravel: Builtin = (e, args) => {
  const [x] = take("ravel", args, ["x"]);
  return ravelTerm(e, x!.kind === "range" ? e.rangeToArray(x!, args.span) : x!, args);
};

/** `unravel(like, v)`: the vector in the structure of `like`. */
export const unravel: Builtin = (e, args) => {
  const [like, v] = take("unravel", args, ["like", "v"]);
  const vector = arrayArgument(e, "unravel", v!, args, "real");
  const leaves = leavesOf(like!, (leaf) =>
    fail("K0282", args.span, `\`unravel\` fills arrays, but this is ${showTermType(leaf)}.`),
  );
  const total = leaves.map((l) => productOfDims(shapeOf(l))).reduce<Dim>((s, t) => addDims(s, t), 0);
  if (rankOf(vector) !== 1 || !e.couldBeEqual(shapeOf(vector)[0]!, total))
    fail("K0702", args.span, `\`unravel\` wants ${showDim(total)} entries, but this is ${showTermType(vector)}.`);
  e.deferEquality([shapeOf(vector)[0]!], [total], "`unravel`", args.span);
  let offset: Dim = 0;
  return mapLeaves(like!, (leaf) => {
    const start = offset;
    const stop = addDims(start, productOfDims(shapeOf(leaf)));
    offset = stop;
    return result(e, `unravel ${showDim(start)}`, [vector.atom], "real", shapeOf(leaf), (b) =>
      reshape(b, slice(b, vector.atom, [start], [stop], [1]), shapeOf(leaf)),
    );
  });
};

const zerosLike: Builtin = (e, args) => {
  const [x] = take("zeros_like", args, ["x"]);
  leavesOf(x!, (leaf) => fail("K0282", args.span, `\`zeros_like\` takes numbers, but this is ${showTermType(leaf)}.`));
  return zeroLike(e, x!);
};

/** `zip(a, b)`: values iterated together. */
const zip: Builtin = (e, args) => {
  const items = args.positional.map((t) => (t.kind === "range" ? e.rangeToArray(t, args.span) : t));
  const lengths = items.map((t) => lengthOf(e, t, args.span));
  lengths.forEach((l) => {
    if (!e.couldBeEqual(l, lengths[0]!))
      fail("K0264", args.span, `\`zip\` wants equal lengths, but these are ${lengths.map(showDim).join(" and ")}.`);
    e.deferEquality([l], [lengths[0]!], "`zip`", args.span);
  });
  return tupleTerm(items);
};

/** Promises that ints are places 0, ..., n - 1. */
function requireBelow(e: Elaborator, places: ArrayTerm, n: Dim, message: string, span: Span): void {
  if (e.mode === "check" || isSureToBeInside(e, places.atom, n)) return;
  const b = e.builder;
  const inside = and(b, greaterEqual(b, places.atom, intLiteral(0)), less(b, places.atom, intLiteral(knownDim(n)!)));
  e.require(span, "K0401", inside, [places.atom], message);
}

const oneHot: Builtin = (e, args) => {
  const [n] = sizes("one_hot", args, 1);
  const [x] = take("one_hot", args, ["x"]);
  const a = arrayArgument(e, "one_hot", x!, args, "int");
  const shape = [...shapeOf(a), n!];
  requireBelow(e, a, n!, `The class {0} is outside ${showDim(n!)} classes.`, args.span);
  return result(e, "one_hot", [a.atom], "real", shape, (b) => {
    const wide = broadcast(
      b,
      a.atom,
      shape,
      shapeOf(a).map((_, i) => i),
    );
    return convert(b, equal(b, wide, broadcast(b, iota(b, n!), shape, [shape.length - 1])), "real");
  });
};

/** `segment_sum[n](x, ids)`: sums of the rows of each id. */
const segmentSum: Builtin = (e, args) => {
  const [n] = sizes("segment_sum", args, 1);
  const [x, ids] = take("segment_sum", args, ["x", "ids"]);
  const a = arrayArgument(e, "segment_sum", x!, args);
  const i = arrayArgument(e, "segment_sum", ids!, args, "int");
  if (rankOf(a) === 0 || rankOf(i) !== 1 || !e.couldBeEqual(shapeOf(a)[0]!, shapeOf(i)[0]!))
    fail(
      "K0703",
      args.span,
      `\`segment_sum\` wants an id for each row, but these are ${showTermType(a)} and ${showTermType(i)}.`,
    );
  const shape = [n!, ...shapeOf(a).slice(1)];
  requireBelow(e, i, n!, `The id {0} is outside ${showDim(n!)} segments.`, args.span);
  const inside = isSureToBeInside(e, i.atom, n!);
  return result(e, "segment_sum", [a.atom, i.atom], a.type, shape, (b) => {
    const zero = broadcast(b, convert(b, intLiteral(0), a.atom.type.dtype), shape, []);
    return scatterAdd(b, zero, i.atom, a.atom, 0, 0, inside);
  });
};

export const arrayBuiltins: Readonly<Record<string, Builtin>> = {
  zeros: constant("zeros", 0),
  ones: constant("ones", 1),
  fill: fillBuiltin,
  iota: iotaBuiltin,
  linspace,
  reshape: reshapeBuiltin,
  flatten,
  concat: concatBuiltin,
  stack,
  pad: padBuiltin,
  flip,
  roll,
  len,
  size,
  ravel,
  unravel,
  zeros_like: zerosLike,
  zip,
  one_hot: oneHot,
  segment_sum: segmentSum,
};
