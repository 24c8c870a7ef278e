/** Random keys and draws from them. Two draws from one key on one path of one body are refused. */
import type { Dim } from "../../core/dimension.ts";
import { type Atom, intLiteral, realLiteral } from "../../core/graph.ts";
import type { Emitter } from "../../core/primitive.ts";
import { add, mul, sub } from "../../primitives/arithmetic.ts";
import { and, greater, greaterEqual, less, lessEqual } from "../../primitives/comparison.ts";
import { gather } from "../../primitives/gather.ts";
import {
  bernoulli,
  categorical,
  choose,
  exponential,
  gumbel,
  laplace,
  normal,
  permutation,
  randint,
  splitKey,
  uniform,
} from "../../primitives/random.ts";
import { randomGamma } from "../../primitives/random-gamma.ts";
import { reduceSum } from "../../primitives/reduce.ts";
import { broadcast, concat, reshape } from "../../primitives/shape.ts";
import { foldIn, keyOfSeed } from "../../primitives/threefry.ts";
import { fail } from "../../syntax/diagnostic.ts";
import type { Elaborator } from "../elaborator.ts";
import { commonShape, convertTo, stretch } from "../operators.ts";
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
} from "../terms.ts";
import { arrayArgument, type Builtin, result, sizes, take } from "./support.ts";

function keyArgument(e: Elaborator, name: string, term: Term, args: CallArguments): ArrayTerm {
  if (term.kind === "error") e.giveUp();
  if (term.kind !== "array" || term.type !== "key" || rankOf(term) > 0)
    fail("K0601", args.span, `\`${name}\` draws from one key, but this is ${showTermType(term)}.`, {
      help:
        term.kind === "array" && term.type === "key"
          ? "Map over the keys: `[normal(k) for k in keys]`."
          : "Make one with `key(7)`, or `key()` for the run's `--seed`.",
    });
  return term;
}

/** Notes a draw. */
function draw(e: Elaborator, name: string, term: Term, args: CallArguments): Atom {
  const key = keyArgument(e, name, term, args);
  const atom = key.atom;
  if (atom.kind === "var") {
    const id = String(atom.id);
    const first = e.frame.draws.get(id);
    if (e.frame.draws.has(id))
      fail("K0602", args.span, "This key has been drawn from already: two draws from one key are the same numbers.", {
        notes: first ? [{ message: "The first draw:", span: first }] : [],
        help: "Take it apart first: `let (k1, k2) = split(k)`.",
      });
    e.frame.draws.set(id, args.span);
    const loop = e.frame.loops.at(-1);
    if (loop && !ownedWithin(e, atom, loop))
      fail(
        "K0603",
        args.span,
        "Every step draws from this key, which is made outside the loop: all draws are the same numbers.",
        {
          help: "Give each step its own: `fold_in(k, t)`, or run over `split[n](k)`.",
        },
      );
  }
  return atom;
}

/** Made inside the loop's body (or a scope inside it). */
function ownedWithin(e: Elaborator, atom: Atom, loop: Elaborator["builder"]): boolean {
  for (let b: Elaborator["builder"] | undefined = e.builder; b; b = b.parent) {
    if (b.owns(atom)) return true;
    if (b === loop) return false;
  }
  return false;
}

const keyBuiltin: Builtin = (e, args) => {
  const [seed] = take("key", args, ["seed?"]);
  if (!seed) {
    const words = keyOfSeed(e.seed).data;
    return result(e, `key ${e.seed}`, [], "key", [], (b) => keyFromWords(b, words[0]!, words[1]!));
  }
  const s = arrayArgument(e, "key", seed, args, "int");
  if (rankOf(s) > 0) fail("K0604", args.span, `\`key\` takes one int, but this is ${showTermType(s)}.`);
  if (s.atom.kind === "literal") {
    const words = keyOfSeed(s.atom.value).data;
    return result(e, `key ${s.atom.value}`, [], "key", [], (b) => keyFromWords(b, words[0]!, words[1]!));
  }
  return result(e, "key", [s.atom], "key", [], (b) => foldIn(b, keyFromWords(b, 0, 0), s.atom));
};

function keyFromWords(b: Emitter, hi: number, lo: number): Atom {
  const one = (w: number) => broadcast(b, intLiteral(w), [1], []);
  return concat(b, [one(hi), one(lo)], 0);
}

/** `split(k)` gives two keys, `split[n](k)` n of them. */
const split: Builtin = (e, args) => {
  const [k] = take("split", args, ["k"]);
  const given = sizes("split", args);
  if (given.length > 1) fail("K0241", args.span, "`split` takes one size in brackets.");
  const n = given[0] ?? 2;
  const key = draw(e, "split", k!, args);
  return result(e, "split", [key], "key", [n], (b) => splitKey(b, key, n));
};

const fold: Builtin = (e, args) => {
  const [k, i] = take("fold_in", args, ["k", "i"]);
  const key = keyArgument(e, "fold_in", k!, args);
  const index = arrayArgument(e, "fold_in", i!, args, "int");
  if (rankOf(index) > 0)
    fail("K0604", args.span, `\`fold_in\` takes one int, but this is ${showTermType(index)}.`, {
      help: "Map over them: `[fold_in(k, i) for i in 0..n]`.",
    });
  return result(e, "fold_in", [key.atom, index.atom], "key", [], (b) => foldIn(b, key.atom, index.atom));
};

type Sampler = (b: Emitter, key: Atom, shape: readonly Dim[]) => Atom;

function sampler(name: string, make: Sampler): Builtin {
  return (e, args) => {
    const [k] = take(name, args, ["k"]);
    const shape = sizes(name, args);
    const key = draw(e, name, k!, args);
    return result(e, name, [key], "real", shape, (b) => make(b, key, shape));
  };
}

/** `uniform[n](k, lo, hi)`; 0 to 1 when left out. */
const uniformBuiltin: Builtin = (e, args) => {
  const [k, lo, hi] = take("uniform", args, ["k", "low?", "high?"]);
  const shape = sizes("uniform", args);
  const key = draw(e, "uniform", k!, args);
  const u = result(e, "uniform", [key], "real", shape, (b) => uniform(b, key, shape));
  if (!lo && !hi) return u;
  const low = lo
    ? arrayArgument(e, "uniform", lo, args, "real")
    : ({ kind: "array", type: "real", atom: realLiteral(0) } as ArrayTerm);
  const high = hi
    ? arrayArgument(e, "uniform", hi, args, "real")
    : ({ kind: "array", type: "real", atom: realLiteral(1) } as ArrayTerm);
  if (rankOf(low) > 0 || rankOf(high) > 0) fail("K0604", args.span, "The ends of `uniform` are single numbers.");
  return result(e, "uniform", [u.atom, low.atom, high.atom], "real", shape, (b) =>
    add(b, low.atom, mul(b, u.atom, sub(b, high.atom, low.atom))),
  );
};

const randintBuiltin: Builtin = (e, args) => {
  const [k, lo, hi] = take("randint", args, ["k", "low", "high"]);
  const shape = sizes("randint", args);
  const key = draw(e, "randint", k!, args);
  const [low, high] = [lo!, hi!].map((t) => arrayArgument(e, "randint", t, args, "int"));
  if (rankOf(low!) > 0 || rankOf(high!) > 0) fail("K0604", args.span, "The ends of `randint` are single ints.");
  if (e.mode === "bind")
    e.require(
      args.span,
      "K0408",
      less(e.builder, low!.atom, high!.atom),
      [low!.atom, high!.atom],
      "`randint` draws from {0} up to but not including {1}: there is nothing to draw.",
    );
  return result(e, "randint", [key, low!.atom, high!.atom], "int", shape, (b) =>
    randint(b, key, shape, low!.atom, high!.atom),
  );
};

const permutationBuiltin: Builtin = (e, args) => {
  const [n] = sizes("permutation", args, 1);
  const [k] = take("permutation", args, ["k"]);
  const key = draw(e, "permutation", k!, args);
  return result(e, "permutation", [key], "int", [n!], (b) => permutation(b, key, n!));
};

/** `choose[m](k, n)`: m different ints below n, or m different rows of an array. */
const chooseBuiltin: Builtin = (e, args) => {
  const [m] = sizes("choose", args, 1);
  const [k, n] = take("choose", args, ["k", "n"]);
  const key = draw(e, "choose", k!, args);
  const from = arrayArgument(e, "choose", n!, args);
  const count = rankOf(from) === 0 ? e.asDimension(from, args.span) : shapeOf(from)[0]!;
  if (typeof count === "number" && typeof m === "number" && m > count)
    fail("K0605", args.span, `\`choose\` takes ${m} of ${count} without replacement.`);
  const places = result(e, "choose", [key], "int", [m!], (b) => choose(b, key, m!, count));
  if (rankOf(from) === 0) return places;
  return result(e, "gather", [from.atom, places.atom], from.type, [m!, ...shapeOf(from).slice(1)], (b) =>
    gather(b, from.atom, places.atom, 0),
  );
};

const bernoulliBuiltin: Builtin = (e, args) => {
  const [k, p] = take("bernoulli", args, ["k", "p"]);
  const key = draw(e, "bernoulli", k!, args);
  const q = arrayArgument(e, "bernoulli", p!, args, "real");
  const shape = [...sizes("bernoulli", args)];
  const full = shape.length > 0 ? shape : [...shapeOf(q)];
  const wide = stretch(
    e,
    q,
    commonShape(
      e,
      [q, { kind: "array", type: "real", atom: { kind: "literal", value: 0, type: coreType("real", full) } }],
      "`bernoulli`",
      args.span,
    ),
  );
  if (e.mode === "bind") {
    const b = e.builder;
    e.require(
      args.span,
      "K1144",
      and(b, greaterEqual(b, q.atom, realLiteral(0)), lessEqual(b, q.atom, realLiteral(1))),
      [q.atom],
      "{0} is no probability: `bernoulli` wants one from 0 to 1.",
    );
  }
  return result(e, "bernoulli", [key, wide], "bool", full, (b) => bernoulli(b, key, wide));
};

const categoricalBuiltin: Builtin = (e, args) => {
  const [k, p] = take("categorical", args, ["k", "p"]);
  const key = draw(e, "categorical", k!, args);
  const q = arrayArgument(e, "categorical", p!, args, "real");
  if (rankOf(q) !== 1)
    fail("K0604", args.span, `\`categorical\` takes a vector of weights, but this is ${showTermType(q)}.`);
  if (e.mode === "bind") {
    const b = e.builder;
    e.require(
      args.span,
      "K1145",
      greaterEqual(b, q.atom, realLiteral(0)),
      [q.atom],
      "A weight of `categorical` can not be {0}: weights are 0 or more.",
    );
    e.require(
      args.span,
      "K0409",
      greater(b, reduceSum(b, q.atom, [0]), realLiteral(0)),
      [],
      "All weights of this `categorical` are 0: there is nothing to draw.",
    );
  }
  return result(e, "categorical", [key, q.atom], "int", [], (b) => categorical(b, key, q.atom));
};

/** `normal_like(x, k)`: standard normal numbers in the structure of x. */
const normalLike: Builtin = (e, args) => {
  const [x, k] = take("normal_like", args, ["x", "k"]);
  const key = draw(e, "normal_like", k!, args);
  const leaves = leavesOf(x!, (leaf) =>
    fail("K0282", args.span, `\`normal_like\` fills arrays, but this is ${showTermType(leaf)}.`),
  );
  const keys = e.emit("split", [key], coreType("key", [leaves.length]), (b) => splitKey(b, key, leaves.length));
  return mapLeaves(x!, (leaf, i) =>
    result(e, `normal ${i}`, [keys], "real", shapeOf(leaf), (b) => {
      const one = leaves.length === 1 ? reshape(b, keys, [2]) : gather(b, keys, intLiteral(i), 0);
      return normal(b, one, shapeOf(leaf));
    }),
  );
};

/** `random_gamma(k, a)`: one gamma draw per entry of a; `std/random` builds beta and dirichlet from it. */
const gamma: Builtin = (e, args) => {
  const [k, a] = take("gamma", args, ["k", "a"]);
  const key = draw(e, "gamma", k!, args);
  const shape = arrayArgument(e, "gamma", a!, args, "real");
  const asked = sizes("gamma", args);
  const full = asked.length > 0 ? asked : shapeOf(shape);
  const wide = stretch(e, convertTo(e, shape, "real"), full);
  if (e.mode === "bind")
    e.require(
      args.span,
      "K0410",
      greater(e.builder, shape.atom, realLiteral(0)),
      [shape.atom],
      "The shape of `random_gamma` must be positive, but it is {0}.",
    );
  return result(e, "gamma", [key, wide], "real", full, (b) => randomGamma(b, key, wide));
};

export const randomBuiltins: Readonly<Record<string, Builtin>> = {
  key: keyBuiltin,
  split,
  fold_in: fold,
  normal: sampler("normal", normal),
  gumbel: sampler("gumbel", gumbel),
  exponential: sampler("exponential", exponential),
  laplace: sampler("laplace", laplace),
  uniform: uniformBuiltin,
  randint: randintBuiltin,
  permutation: permutationBuiltin,
  choose: chooseBuiltin,
  bernoulli: bernoulliBuiltin,
  categorical: categoricalBuiltin,
  normal_like: normalLike,
  random_gamma: gamma,
};
