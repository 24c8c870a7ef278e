/** Inner products and norms of arrays and of tuples. */
import { type Atom, realLiteral } from "../../core/graph.ts";
import type { Emitter } from "../../core/primitive.ts";
import { add, mul } from "../../primitives/arithmetic.ts";
import { dotGeneral } from "../../primitives/dot.ts";
import { norm as normAtom, rootOfSquares } from "../../primitives/norm.ts";
import { reduceMax, reduceSum } from "../../primitives/reduce.ts";
import { abs } from "../../primitives/rounding.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Elaborator } from "../elaborator.ts";
import {
  type ArrayTerm,
  type CallArguments,
  leavesOf,
  rankOf,
  sameStructure,
  shapeOf,
  showTermType,
  type Term,
  type TupleTerm,
  tupleTerm,
} from "../terms.ts";
import { ravelTerm } from "./ravel.ts";
import { arrayArgument, axesArgument, type Builtin, result, take } from "./support.ts";

/** The inner product of two values of one shape: arrays of any rank, or tuples. */
export const dot: Builtin = (e, args) => {
  const [x, y] = take("dot", args, ["a", "b"]);
  const [s, t] = [x!, y!].map((v) => (v.kind === "range" ? e.rangeToArray(v, args.span) : v)) as [Term, Term];
  if (!sameStructure(s, t))
    fail(
      "K0293",
      args.span,
      `\`dot\` wants two values of one shape, but these are ${showTermType(s)} and ${showTermType(t)}.`,
    );
  const refuse = (leaf: Term): never =>
    fail("K0282", args.span, `\`dot\` takes numbers, but this is ${showTermType(leaf)}.`);
  const left = leavesOf(s, refuse);
  const right = leavesOf(e.alignTo(t, s), refuse);
  const parts = left.map((l, i) => {
    const [p, q] = [arrayArgument(e, "dot", l, args, "real"), arrayArgument(e, "dot", right[i]!, args, "real")];
    if (!e.sameShapes(p, q))
      fail(
        "K0293",
        args.span,
        `\`dot\` wants two values of one shape, but these are ${showTermType(p)} and ${showTermType(q)}.`,
        { help: "For matrix products write `@`." },
      );
    e.deferEquality(shapeOf(p), shapeOf(q), "`dot`", args.span);
    const axes = shapeOf(p).map((_, k) => k);
    return result(e, "dot", [p.atom, q.atom], "real", [], (b) =>
      dotGeneral(b, p.atom, q.atom, { contract: [axes, axes], batch: [[], []] }),
    );
  });
  return parts.reduce((p, q) => result(e, "dot", [p.atom, q.atom], "real", [], (b) => add(b, p.atom, q.atom)));
};

/** `norm(x)`, `norm(x, 1)`, `norm(x, inf)`, `norm(X, axis = 1)`; slope 0 at 0. */
export const norm: Builtin = (e, args) => {
  const [x, order, axis] = take("norm", args, ["x", "p?", "axis?"]);
  const p =
    order === undefined
      ? 2
      : order.kind === "array" && order.atom.kind === "literal"
        ? order.atom.value
        : order.kind === "array" && typeof order.known === "number"
          ? order.known
          : Number.NaN;
  if (p !== 1 && p !== 2 && p !== Number.POSITIVE_INFINITY)
    fail("K0294", args.span, "The order of a `norm` is 1, 2 or `inf`.");
  if (x!.kind === "tuple" && axis)
    return tupleTerm(
      x!.items.map((t) => norm(e, { ...args, positional: [t, ...args.positional.slice(1)] })),
      x!.names,
    );
  if (x!.kind === "tuple" && p === 2) return tupleNorm(e, x!, args);
  const flat = x!.kind === "tuple" ? ravelTerm(e, x!, args) : arrayArgument(e, "norm", x!, args, "real");
  const axes = axesArgument(e, "norm", axis, rankOf(flat), args);
  const shape = shapeOf(flat).filter((_, i) => !axes.includes(i));
  const length = result(e, "norm", [flat.atom], "real", shape, (b) => {
    if (axes.length === 0) return abs(b, flat.atom);
    if (p === 2) return normAtom(b, flat.atom, axes);
    if (p === 1) return reduceSum(b, abs(b, flat.atom), axes);
    // The largest of no entries is no entry at all: 0.
    return axes.some((i) => flat.atom.type.shape[i] === 0)
      ? reduceSum(b, flat.atom, axes)
      : reduceMax(b, abs(b, flat.atom), axes);
  });
  if (p !== 2 && axes.length > 0) return length;
  const make = () =>
    result(e, "square", [flat.atom], "real", shape, (b) => reduceSum(b, mul(b, flat.atom, flat.atom), axes));
  return { ...length, square: { of: length.atom, make } };
};

/** The 2-norm of all entries of a tuple: a sum for each leaf, so that nothing has to be laid out as one vector. */
function tupleNorm(e: Elaborator, x: TupleTerm, args: CallArguments): ArrayTerm {
  const refuse = (leaf: Term): never =>
    fail("K0282", args.span, `\`norm\` takes numbers, but this is ${showTermType(leaf)}.`);
  const atoms = leavesOf(x, refuse).map((t) => arrayArgument(e, "norm", t, args, "real").atom);
  const squares = (b: Emitter) =>
    atoms
      .map((a) =>
        reduceSum(
          b,
          mul(b, a, a),
          a.type.shape.map((_, i) => i),
        ),
      )
      .reduce<Atom>((s, t) => add(b, s, t), realLiteral(0));
  const length = result(e, "norm", atoms, "real", [], (b) => rootOfSquares(b, squares(b)));
  const make = () => result(e, "square", atoms, "real", [], squares);
  return { ...length, square: { of: length.atom, make } };
}
