/**
 * Iterations of loops whose order is free side by side, for adapters on which reading an element takes as long as
 * several operations: their inner loops become one, and what all of them read in it is read once. Elements that lie
 * side by side for neighbouring iterations can then be read at once (fours.ts).
 */
import { forEachNode } from "../../kernel/affine.ts";
import { add, div, int, knownBelow, local, lt, min, mul, sub } from "../../kernel/expressions.ts";
import type { Expression, Kernel, Local, Loop, Statement } from "../../kernel/ir.ts";
import type { FlatGrid } from "./flatten.ts";
import { rewriteExpression } from "./rewrite.ts";
import { forEachStatement, rootsOf } from "./walk.ts";

/** How many iterations are computed together, the most that suit first. */
const widths = [4, 2] as const;
/** Nodes of expressions that are computed together at most: longer texts take long to compile. */
const longestTogether = 2400;
/** With fewer invocations than this the threads of a processor would wait for each other. */
const enoughInvocations = 128;

/** What locals of a loop's body, its index among them, are in one of its copies. */
type Copy = Map<number, Expression>;

/**
 * The grid of a kernel and the loops in it, computed several iterations at once where that saves reading; at least so many
 * invocations are left.
 */
export function jammed(
  grid: FlatGrid,
  { arrays, locals }: Pick<Kernel, "arrays" | "locals">,
  leastInvocations = enoughInvocations,
): FlatGrid {
  const { index, count } = grid;
  const body = jammedInside(grid.body);
  // A last invocation with too few iterations computes some again: it must not read what they changed.
  const isExact = locals !== undefined || arrays.some((a) => a.access === "both");
  const width = locals
    ? undefined
    : widthOf(body, index, (w) => count >= w * leastInvocations && (!isExact || count % w === 0));
  if (width === undefined) return { ...grid, body };
  const groups = Math.ceil(count / width);
  const group = local("int", index.name, groups);
  const copies = Array.from({ length: width }, (_, i) => {
    const place = add(mul(group, int(width)), int(i));
    const isSure = count % width === 0 || i === 0;
    const within = isSure ? undefined : lt(place, int(count));
    return {
      within,
      copy: new Map([[index.id, knownBelow(isSure ? place : min(place, int(count - 1)), count)]]) as Copy,
    };
  });
  return { index: group, count: groups, body: new Side(copies).list(body) };
}

function jammedInside(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((s): Statement[] => {
    switch (s.op) {
      case "loop":
        return jammedLoop({ ...s, body: jammedInside(s.body) });
      case "while":
        return [{ ...s, body: jammedInside(s.body) }];
      case "if":
        return [{ ...s, then: jammedInside(s.then), otherwise: jammedInside(s.otherwise) }];
      default:
        return [s];
    }
  });
}

/** A loop that computes several of its iterations at once, and one of those that are left. */
function jammedLoop(s: Loop): Statement[] {
  if (s.order !== "independent") return [s];
  const known = s.count.op === "constant" ? Number(s.count.value) : undefined;
  const width = widthOf(s.body, s.index, (w) => known === undefined || known >= w);
  if (width === undefined) return [s];
  const most = s.index.below;
  const whole = local("int", s.index.name, most === undefined ? undefined : Math.max(1, Math.ceil(most / width)));
  const bounded = (e: Expression) => (most === undefined ? e : knownBelow(e, most));
  const copies = Array.from({ length: width }, (_, i) => ({
    within: undefined,
    copy: new Map([[s.index.id, bounded(add(mul(whole, int(width)), int(i)))]]) as Copy,
  }));
  const [n, groups] = [local("int", "iterations"), local("int", "groups")];
  const isWhole = known !== undefined && known % width === 0;
  const together: Loop = {
    ...s,
    index: whole,
    count: known === undefined ? groups : int(Math.floor(known / width)),
    body: new Side(copies).list(s.body),
  };
  if (isWhole) return [together];
  const rest = local("int", s.index.name);
  const done = known === undefined ? mul(groups, int(width)) : int(known - (known % width));
  const copy: Copy = new Map([[s.index.id, bounded(add(done, rest))]]);
  const left: Loop = {
    ...s,
    index: rest,
    count: known === undefined ? sub(n, done) : int(known % width),
    body: new Side([{ within: undefined, copy }]).list(s.body),
  };
  if (known !== undefined) return [together, left];
  return [
    { op: "let", local: n, value: s.count },
    { op: "let", local: groups, value: div(n, int(width)) },
    together,
    left,
  ];
}

/** How many iterations of a loop should be computed together; undefined: each by itself. */
function widthOf(body: readonly Statement[], index: Local, suits: (width: number) => boolean): number | undefined {
  if (!savesReading(body, index)) return undefined;
  let nodes = 0;
  let isSimple = true;
  forEachStatement(body, (s) => {
    if (s.op === "while") isSimple = false;
    forEachNode(rootsOf(s), () => {
      nodes += 1;
    });
  });
  if (!isSimple) return undefined;
  return widths.find((w) => w * nodes <= longestTogether && suits(w));
}

/** Whether inner loops read what is the same for several iterations of the loop around, or lies side by side. */
function savesReading(body: readonly Statement[], index: Local): boolean {
  const definitions = new Map<number, Expression>();
  forEachStatement(body, (s) => {
    if (s.op === "let") definitions.set(s.local.id, s.value);
  });
  const depends = dependence(index, definitions);
  let saves = false;
  forEachStatement(body, (s) => {
    if (s.op !== "loop" || s.order === "independent") return;
    const dependsOnStep = dependence(s.index, definitions);
    forEachStatement(s.body, (t) => {
      forEachNode(rootsOf(t), (e) => {
        if (e.op === "load" && dependsOnStep(e.index) && !depends(e.index)) saves = true;
      });
    });
  });
  return saves;
}

/** Whether expressions depend on a local, also through the locals they name. */
function dependence(index: Local, definitions: ReadonlyMap<number, Expression>): (e: Expression) => boolean {
  const known = new Map<number, boolean>();
  const named = (id: number): boolean => {
    let found = known.get(id);
    if (found === undefined) {
      const value = definitions.get(id);
      found = value !== undefined && depends(value);
      known.set(id, found);
    }
    return found;
  };
  const depends = (e: Expression): boolean => {
    let found = false;
    forEachNode([e], (x) => {
      if (x.op === "local" && (x === index || named(x.id))) found = true;
    });
    return found;
  };
  return depends;
}

/** Statements of several iterations side by side. */
class Side {
  readonly #copies: readonly { readonly copy: Copy; readonly within: Expression | undefined }[];

  /** `within`: whether an iteration is one at all, where that is not sure: otherwise it stores nothing. */
  constructor(copies: readonly { readonly copy: Copy; readonly within: Expression | undefined }[]) {
    this.#copies = copies;
  }

  list(statements: readonly Statement[]): Statement[] {
    return statements.flatMap((s) => this.#statement(s));
  }

  #statement(s: Statement): Statement[] {
    if (s.op === "loop") {
      const [first, ...others] = this.#copies.map(({ copy }) => valueIn(copy, s.count));
      if (others.every((count) => count === first)) return [this.#loop(s, first!)];
    }
    if (s.op === "let") return this.#let(s);
    return this.#copies.flatMap(({ copy, within }) => only(within, renamed(s, copy, within)));
  }

  /** One loop with the bodies of all. */
  #loop(s: Loop, count: Expression): Loop {
    const index = local("int", s.index.name, s.index.below);
    for (const { copy } of this.#copies) copy.set(s.index.id, index);
    const accumulators = this.#copies.flatMap(({ copy }) =>
      s.accumulators.map((a) => ({ ...a, local: localIn(copy, a.local) })),
    );
    return { ...s, index, count, accumulators, body: foursFirst(this.list(s.body)) };
  }

  /** What is the same in several copies has one name. */
  #let(s: Extract<Statement, { op: "let" }>): Statement[] {
    const names = new Map<Expression, Local>();
    return this.#copies.flatMap(({ copy }): Statement[] => {
      const value = valueIn(copy, s.value);
      const known = names.get(value);
      const name = known ?? local(s.local.kind, s.local.name, s.local.below);
      names.set(value, name);
      copy.set(s.local.id, name);
      return known ? [] : [{ op: "let", local: name, value }];
    });
  }
}

/**
 * The statements of an inner loop, before them by name what they read side by side of arrays that nobody writes: fours are
 * made of names (fours.ts).
 */
function foursFirst(body: readonly Statement[]): Statement[] {
  if (body.some((s) => s.op === "loop" || s.op === "while" || s.op === "if")) return [...body];
  const own = new Set(body.flatMap((s) => (s.op === "let" || s.op === "variable" ? [s.local] : [])));
  const groups = new Map<string, Map<number, Expression>>();
  forEachNode(body.flatMap(rootsOf), (e) => {
    if (e.op !== "load" || e.array.access !== "read" || e.array.kind !== "real") return;
    let isKnown = true;
    forEachNode([e.index], (x) => {
      if (x.op === "load" || x.op === "call" || (x.op === "local" && own.has(x))) isKnown = false;
    });
    if (!isKnown) return;
    const { index } = e;
    const hasOffset = index.op === "binary" && index.name === "add" && index.b.op === "constant";
    const [base, offset] = hasOffset ? [index.a, Number((index.b as { value: number }).value)] : [index, 0];
    const key = `${e.array.id} ${base.serial} ${offset >> 2}`;
    const group = groups.get(key) ?? new Map<number, Expression>();
    groups.set(key, group.set(offset & 3, e));
  });
  const read = [...groups.values()].filter((g) => g.size === 4).flatMap((g) => [0, 1, 2, 3].map((i) => g.get(i)!));
  const named = new Set(body.flatMap((s) => (s.op === "let" ? [s.value] : [])));
  const names = read.filter((e) => !named.has(e));
  return [...names.map((value): Statement => ({ op: "let", local: local("real", "element"), value })), ...body];
}

const only = (within: Expression | undefined, s: Statement): Statement[] =>
  within && s.op === "store" ? [{ op: "if", condition: within, then: [s], otherwise: [] }] : [s];

const valueIn = (copy: Copy, e: Expression): Expression =>
  rewriteExpression(e, (x) => (x.op === "local" ? (copy.get(x.id) ?? x) : x));

const localIn = (copy: Copy, l: Local): Local => (copy.get(l.id) as Local | undefined) ?? l;

/** One copy of a statement and of all in it, with locals of its own. */
function renamed(s: Statement, copy: Copy, within: Expression | undefined): Statement {
  const all = (list: readonly Statement[]): Statement[] => list.flatMap((t) => only(within, renamed(t, copy, within)));
  const fresh = (l: Local): Local => {
    const made = local(l.kind, l.name, l.below);
    copy.set(l.id, made);
    return made;
  };
  switch (s.op) {
    case "let":
    case "variable": {
      const value = valueIn(copy, s.value);
      return { ...s, local: fresh(s.local), value };
    }
    case "assign":
      return { ...s, local: localIn(copy, s.local), value: valueIn(copy, s.value) };
    case "store":
      return { ...s, index: valueIn(copy, s.index), value: valueIn(copy, s.value) };
    case "loop": {
      const count = valueIn(copy, s.count);
      const index = fresh(s.index);
      const accumulators = s.accumulators.map((a) => ({ ...a, local: localIn(copy, a.local) }));
      return { ...s, index, count, accumulators, body: all(s.body) };
    }
    case "while":
      return { ...s, condition: valueIn(copy, s.condition), body: all(s.body) };
    case "if":
      return { ...s, condition: valueIn(copy, s.condition), then: all(s.then), otherwise: all(s.otherwise) };
  }
}
