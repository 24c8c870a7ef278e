/** Reductions, cumulatives and sorts. Without `axis` they run over all entries of a value, tuples too. */
import { addDims, type Dim, knownDim, productOfDims } from "../../core/dimension.ts";
import { type Atom, realLiteral } from "../../core/graph.ts";
import type { Emitter } from "../../core/primitive.ts";
import { add, div, mul, sub } from "../../primitives/arithmetic.ts";
import { and, greater, isFinite as isFiniteAtom, or } from "../../primitives/comparison.ts";
import { cummax, cummin, cumprod, cumsum } from "../../primitives/cumulative.ts";
import { exp, log, sqrt } from "../../primitives/math.ts";
import {
  argmax,
  argmin,
  reduceAll,
  reduceAny,
  reduceMax,
  reduceMin,
  reduceProd,
  reduceSum,
} from "../../primitives/reduce.ts";
import { maximum, minimum } from "../../primitives/rounding.ts";
import { select } from "../../primitives/select.ts";
import { broadcast, reshape } from "../../primitives/shape.ts";
import { argsort, sort, topK } from "../../primitives/sort.ts";
import { fail } from "../../syntax/diagnostic.ts";
import { stopGradient } from "../../transform/control/effects.ts";
import type { Elaborator } from "../elaborator.ts";
import { convertTo } from "../operators.ts";
import {
  type ArrayTerm,
  type CallArguments,
  leavesOf,
  rankOf,
  shapeOf,
  showTermType,
  type Term,
  tupleTerm,
} from "../terms.ts";
import { extremumOf } from "./elementwise.ts";
import { dot, norm } from "./inner-products.ts";
import { arrayArgument, axesArgument, type Builtin, oneAxis, result, sizes, take } from "./support.ts";

const without = (shape: readonly Dim[], axes: readonly number[]) => shape.filter((_, i) => !axes.includes(i));

interface Reduction {
  readonly type: "real" | "number" | "bool";
  readonly reduce: (b: Emitter, x: Atom, axes: readonly number[]) => Atom;
  /** Joins the results of the leaves of a tuple. */
  readonly join: (b: Emitter, x: Atom, y: Atom) => Atom;
}

function reduction(name: string, r: Reduction): Builtin {
  return (e, args) => {
    const [x, axis] = take(name, args, ["x", "axis?"]);
    const prepare = (t: Term): ArrayTerm => {
      const a = arrayArgument(e, name, t, args);
      if (r.type === "real") return arrayArgument(e, name, a, args, "real");
      if (r.type === "number" && a.type === "bool") return convertTo(e, a, "int");
      if (r.type === "bool" && a.type !== "bool")
        fail("K0283", args.span, `\`${name}\` takes bools, but this is ${showTermType(a)}.`, {
          help: "Compare first, as in `x > 0`.",
        });
      if (a.type === "key" || a.type === "status")
        fail("K0283", args.span, `\`${name}\` takes numbers, but this is ${showTermType(a)}.`);
      return a;
    };
    const reduceOne = (a: ArrayTerm): ArrayTerm => {
      const axes = axesArgument(e, name, axis, rankOf(a), args);
      return result(e, name, [a.atom], a.type, without(shapeOf(a), axes), (b) =>
        axes.length === 0 ? a.atom : r.reduce(b, a.atom, axes),
      );
    };
    if (x!.kind !== "tuple") return reduceOne(prepare(x!));
    if (axis)
      return tupleTerm(
        x!.items.map((t) => reduction(name, r)(e, { ...args, positional: [t, ...args.positional.slice(1)] })),
        x!.names,
      );
    const parts = leavesOf(x!, (leaf) =>
      fail("K0282", args.span, `\`${name}\` takes numbers, but this is ${showTermType(leaf)}.`),
    ).map((t) => reduceOne(prepare(t)));
    if (parts.length === 0) fail("K0290", args.span, `\`${name}\` of nothing.`);
    return parts.reduce((s, t) => {
      const type = s.type === "real" || t.type === "real" ? "real" : s.type;
      const [p, q] = [convertTo(e, s, type), convertTo(e, t, type)];
      return result(e, name, [p.atom, q.atom], type, [], (b) => r.join(b, p.atom, q.atom));
    });
  };
}

/** How many entries the axes hold. */
function countOf(shape: readonly Dim[], axes: readonly number[]): Dim {
  return productOfDims(axes.map((i) => shape[i]!));
}

const sum = reduction("sum", { type: "number", reduce: reduceSum, join: add });

const mean: Builtin = (e, args) => {
  const [x, axis] = take("mean", args, ["x", "axis?"]);
  if (x!.kind === "tuple" && axis)
    return tupleTerm(
      x!.items.map((t) => mean(e, { ...args, positional: [t, ...args.positional.slice(1)] })),
      x!.names,
    );
  if (x!.kind === "tuple") {
    const leaves = leavesOf(x!, (leaf) =>
      fail("K0282", args.span, `\`mean\` takes numbers, but this is ${showTermType(leaf)}.`),
    );
    const total = sum(e, { ...args, positional: [x!] }) as ArrayTerm;
    const count = leaves
      .map((l) =>
        countOf(
          shapeOf(l),
          shapeOf(l).map((_, i) => i),
        ),
      )
      .reduce((s, t) => e.dimensionTerm(addDims(s, t)).dimension!);
    return divideBy(e, convertTo(e, total, "real"), count, args);
  }
  const a = arrayArgument(e, "mean", x!, args, "real");
  const axes = axesArgument(e, "mean", axis, rankOf(a), args);
  const total = result(e, "sum", [a.atom], "real", without(shapeOf(a), axes), (b) =>
    axes.length === 0 ? a.atom : reduceSum(b, a.atom, axes),
  );
  return divideBy(e, total, countOf(shapeOf(a), axes), args);
};

function divideBy(e: Elaborator, total: ArrayTerm, count: Dim, args: CallArguments): ArrayTerm {
  if (count === 0) fail("K0291", args.span, "This takes the mean of no entries.", { help: "An axis has size 0." });
  const n = e.dimensionTerm(count);
  return result(e, "mean", [total.atom, n.atom], "real", shapeOf(total), (b) =>
    div(b, total.atom, realLiteral(n.atom.kind === "literal" ? n.atom.value : 1)),
  );
}

/** Mean of squared deviations (n in the denominator), and its root. */
function spread(name: "var" | "std"): Builtin {
  return (e, args) => {
    const [x, axis] = take(name, args, ["x", "axis?"]);
    const a = arrayArgument(e, name, x!, args, "real");
    const axes = axesArgument(e, name, axis, rankOf(a), args);
    if (countOf(shapeOf(a), axes) === 0) fail("K0291", args.span, `This takes the ${name} of no entries.`);
    return result(e, name, [a.atom], "real", without(shapeOf(a), axes), (b) => {
      const v = variance(b, a.atom, axes);
      // The root of no spread at all has slope 0, as the norm does at 0.
      return name === "var" ? v : safeRoot(b, v);
    });
  };
}

function deviations(b: Emitter, x: Atom, axes: readonly number[]): Atom {
  const shape = x.type.shape;
  const n = axes.reduce((s, i) => s * (shape[i] as number), 1);
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const m = div(b, reduceSum(b, x, axes), realLiteral(n));
  return sub(b, x, broadcast(b, m, shape, kept));
}

function variance(b: Emitter, x: Atom, axes: readonly number[]): Atom {
  const d = deviations(b, x, axes);
  const n = axes.reduce((s, i) => s * (x.type.shape[i] as number), 1);
  return div(b, reduceSum(b, mul(b, d, d), axes), realLiteral(n));
}

function safeRoot(b: Emitter, v: Atom): Atom {
  const positive = greater(b, v, realLiteral(0));
  return select(b, positive, sqrt(b, select(b, positive, v, realLiteral(1))), realLiteral(0));
}

/** Each column to mean 0 and variance 1; a constant column to 0. */
const standardize: Builtin = (e, args) => {
  const [x] = take("standardize", args, ["x"]);
  const a = arrayArgument(e, "standardize", x!, args, "real");
  if (rankOf(a) === 0) fail("K0282", args.span, "`standardize` takes an array with rows, but this is one number.");
  return result(e, "standardize", [a.atom], "real", shapeOf(a), (b) => {
    const kept = a.atom.type.shape.map((_, i) => i).slice(1);
    const d = deviations(b, a.atom, [0]);
    const s = safeRoot(b, variance(b, a.atom, [0]));
    const scale = select(b, greater(b, s, realLiteral(0)), s, realLiteral(1));
    return div(b, d, broadcast(b, scale, a.atom.type.shape, kept));
  });
};

/** `max(x)`, `max(x, axis = 0)`; of several values, entry by entry. */
function extremes(which: "max" | "min"): Builtin {
  const reduce = reduction(which, {
    type: "number",
    reduce: which === "max" ? reduceMax : reduceMin,
    join: which === "max" ? maximum : minimum,
  });
  const pairwise = extremumOf(which);
  return (e, args) => {
    if (args.positional.length > 1) {
      if (args.named.size > 0)
        fail("K0292", args.span, `\`${which}\` of several values goes entry by entry and takes no \`axis\`.`);
      return pairwise(e, args);
    }
    return reduce(e, args);
  };
}

function position(which: "argmax" | "argmin"): Builtin {
  return (e, args) => {
    const [x, axis] = take(which, args, ["x", "axis?"]);
    const a = arrayArgument(e, which, x!, args);
    const make = which === "argmax" ? argmax : argmin;
    if (rankOf(a) === 0) fail("K0282", args.span, `\`${which}\` takes an array, but this is ${showTermType(a)}.`);
    if (a.type === "key" || a.type === "status")
      fail("K0283", args.span, `\`${which}\` compares numbers, but this is ${showTermType(a)}.`);
    const along =
      axis === undefined ? productOfDims(shapeOf(a)) : shapeOf(a)[oneAxis(e, which, axis, rankOf(a), args)]!;
    if (knownDim(along) === 0)
      fail("K0291", args.span, `This asks for the \`${which}\` of no entries.`, {
        help: `\`${which}\` is a position: there has to be one.`,
      });
    if (axis === undefined)
      return result(e, which, [a.atom], "int", [], (b) => make(b, reshape(b, a.atom, [productOfDims(shapeOf(a))]), 0));
    const at = oneAxis(e, which, axis, rankOf(a), args);
    return result(e, which, [a.atom], "int", without(shapeOf(a), [at]), (b) => make(b, a.atom, at));
  };
}

/** log(sum(exp(x))) without overflow; -inf for no entries. */
function logSumExp(b: Emitter, x: Atom, axes: readonly number[]): Atom {
  const shape = x.type.shape;
  const kept = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const m = stopGradient(b, reduceMax(b, x, axes));
  const shift = select(b, isFiniteAtom(b, m), m, realLiteral(0));
  const shifted = sub(b, x, broadcast(b, shift, shape, kept));
  return add(b, log(b, reduceSum(b, exp(b, shifted), axes)), shift);
}

const logsumexp: Builtin = (e, args) => {
  const [x, axis] = take("logsumexp", args, ["x", "axis?"]);
  const a = arrayArgument(e, "logsumexp", x!, args, "real");
  const axes = axesArgument(e, "logsumexp", axis, rankOf(a), args);
  return result(e, "logsumexp", [a.atom], "real", without(shapeOf(a), axes), (b) =>
    axes.length === 0 ? a.atom : logSumExp(b, a.atom, axes),
  );
};

function softmaxOf(name: "softmax" | "log_softmax"): Builtin {
  return (e, args) => {
    const [x, axis] = take(name, args, ["x", "axis?"]);
    const a = arrayArgument(e, name, x!, args, "real");
    const at = oneAxis(e, name, axis, rankOf(a), args);
    return result(e, name, [a.atom], "real", shapeOf(a), (b) => {
      const shape = a.atom.type.shape;
      const kept = shape.map((_, i) => i).filter((i) => i !== at);
      const l = sub(b, a.atom, broadcast(b, logSumExp(b, a.atom, [at]), shape, kept));
      return name === "softmax" ? exp(b, l) : l;
    });
  };
}

function cumulative(name: string, make: (b: Emitter, x: Atom, axis: number) => Atom): Builtin {
  return (e, args) => {
    const [x, axis] = take(name, args, ["x", "axis?"]);
    const a = arrayArgument(e, name, x!, args);
    const typed = a.type === "bool" ? convertTo(e, a, "int") : a;
    const at = oneAxis(e, name, axis, rankOf(a), args, 0);
    return result(e, name, [typed.atom], typed.type, shapeOf(typed), (b) => make(b, typed.atom, at));
  };
}

const sortBuiltin: Builtin = (e, args) => {
  const [x, axis] = take("sort", args, ["x", "axis?"]);
  const a = arrayArgument(e, "sort", x!, args);
  const at = oneAxis(e, "sort", axis, rankOf(a), args);
  return result(e, "sort", [a.atom], a.type, shapeOf(a), (b) => sort(b, a.atom, at));
};
const argsortBuiltin: Builtin = (e, args) => {
  const [x, axis] = take("argsort", args, ["x", "axis?"]);
  const a = arrayArgument(e, "argsort", x!, args);
  const at = oneAxis(e, "argsort", axis, rankOf(a), args);
  return result(e, "argsort", [a.atom], "int", shapeOf(a), (b) => argsort(b, a.atom, at));
};
/** The k largest of the last axis, descending. */
const topKBuiltin: Builtin = (e, args) => {
  const [k] = sizes("top_k", args, 1);
  const [x] = take("top_k", args, ["x"]);
  const a = arrayArgument(e, "top_k", x!, args);
  if (rankOf(a) === 0) fail("K0282", args.span, "`top_k` takes an array, but this is one number.");
  const shape = [...shapeOf(a).slice(0, -1), k!];
  const n = shapeOf(a).at(-1)!;
  if (typeof n === "number" && typeof k === "number" && k > n)
    fail("K0295", args.span, `The ${k} largest of ${n} entries do not exist.`);
  return result(e, "top_k", [a.atom], a.type, shape, (b) => topK(b, a.atom, k!)[0]);
};

export const reductionBuiltins: Readonly<Record<string, Builtin>> = {
  sum,
  mean,
  prod: reduction("prod", { type: "number", reduce: reduceProd, join: mul }),
  max: extremes("max"),
  min: extremes("min"),
  any: reduction("any", { type: "bool", reduce: reduceAny, join: or }),
  all: reduction("all", { type: "bool", reduce: reduceAll, join: and }),
  argmax: position("argmax"),
  argmin: position("argmin"),
  var: spread("var"),
  std: spread("std"),
  standardize,
  logsumexp,
  softmax: softmaxOf("softmax"),
  log_softmax: softmaxOf("log_softmax"),
  cumsum: cumulative("cumsum", cumsum),
  cumprod: cumulative("cumprod", cumprod),
  cummax: cumulative("cummax", cummax),
  cummin: cumulative("cummin", cummin),
  dot,
  norm,
  sort: sortBuiltin,
  argsort: argsortBuiltin,
  top_k: topKBuiltin,
};
