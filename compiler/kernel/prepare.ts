/**
 * What targets do to statements before they print them: an expression that occurs more than once is computed
 * once, into a `let`, for as long as its value stays the same, and what does not change in a loop is computed
 * before it. The result prints as trees: nothing that costs anything is shared between expressions any more.
 *
 * Order of evaluation is free but for stores, assignments and what may be out of range: a load (or a division
 * by a number that is not constant) moves out of a loop only when the loop is sure to come to it, or when its
 * index is known to be in range anyway.
 */
import { forEachNode, operandsOf } from "./affine.ts";
import { type Changes, changesOf, isChangedBy, sourcesOf } from "./changes.ts";
import { binary, call, load, local, select, unary, upperBound } from "./expressions.ts";
import type { Expression, Local, Loop, ScalarFunction, Statement, While } from "./ir.ts";

/** Statements of the same meaning without shared expressions; see above. */
export function prepare(statements: readonly Statement[]): Statement[] {
  const sharing = new Sharing();
  const finish = sharing.list(moveLets(statements), new Map());
  return finish();
}

/** The same for a function: its result is a local or a constant afterwards. */
export function prepareFunction(f: ScalarFunction): ScalarFunction {
  if (f.result.op === "constant") return { ...f, body: prepare(f.body) };
  const result = local(f.result.kind, "result");
  return { ...f, body: prepare([...f.body, { op: "let", local: result, value: f.result }]), result };
}

const isPositiveConstant = (e: Expression): boolean => e.op === "constant" && Number(e.value) > 0;

/**
 * Takes out of loops the `let`s whose values do not change in them, inner loops first; also gives conditions of
 * `while` that share parts within themselves a variable.
 */
function moveLets(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((s): Statement[] => {
    switch (s.op) {
      case "loop":
        return withoutFixedLets(s, isPositiveConstant(s.count));
      case "while":
        return hasSharedParts(s.condition) ? whileWithVariable(s) : withoutFixedLets(s, false);
      case "if":
        return [{ ...s, then: moveLets(s.then), otherwise: moveLets(s.otherwise) }];
      default:
        return [s];
    }
  });
}

function withoutFixedLets(s: Loop | While, certain: boolean): Statement[] {
  let body = moveLets(s.body);
  const moved: Statement[] = [];
  for (;;) {
    const changes = changesOf(s.op === "loop" ? [{ ...s, body }] : body);
    const defined = countDefinitions(body);
    const fixed = body.filter(
      (t) =>
        t.op === "let" &&
        defined.get(t.local.id) === 1 &&
        !isChangedBy(t.value, changes) &&
        (certain || !sourcesOf(t.value).risky),
    );
    if (fixed.length === 0) return [...moved, { ...s, body }];
    moved.push(...fixed);
    body = body.filter((t) => !fixed.includes(t));
  }
}

function countDefinitions(statements: readonly Statement[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const s of statements) if (s.op === "let") counts.set(s.local.id, (counts.get(s.local.id) ?? 0) + 1);
  return counts;
}

function whileWithVariable({ condition, body }: While): Statement[] {
  const goes = local("bool", "goes");
  const again: Statement = { op: "assign", local: goes, value: condition };
  return [
    { op: "variable", local: goes, value: condition },
    ...withoutFixedLets({ op: "while", condition: goes, body: [...body, again] }, false),
  ];
}

/** What is not worth a local: names, constants, and what an addressing mode or one instruction does. */
function isTrivial(e: Expression): boolean {
  if (e.op === "constant" || e.op === "local") return true;
  if (e.op === "binary" && e.kind === "int" && (e.name === "add" || e.name === "sub"))
    return isTrivial(e.a) && e.a.op !== "binary" && e.b.op === "constant";
  return e.op === "unary" && e.name === "not" && e.kind === "bool" && e.a.op === "local";
}

function hasSharedParts(root: Expression): boolean {
  const uses = new Map<Expression, number>();
  forEachNode([root], (e) => {
    for (const part of operandsOf(e)) if (!isTrivial(part)) uses.set(part, (uses.get(part) ?? 0) + 1);
  });
  return [...uses.values()].some((n) => n > 1);
}

/** One value, from its first use until something it is made from changes. */
interface Value {
  readonly node: Expression;
  /** Where it is kept when it is used again. */
  place: Local | undefined;
  /** The place is the local of a `let` that was there already. */
  named: boolean;
}
type Available = Map<Expression, Value>;
type Finish = () => Statement[];

class Sharing {
  readonly #defined = new Set<number>();

  /** Only when all is seen is it known what is used again: the statements are made by the function returned. */
  list(statements: readonly Statement[], available: Available): Finish {
    const parts = statements.map((s) => this.#statement(s, available));
    return () => parts.flatMap((finish) => finish());
  }

  #statement(s: Statement, available: Available): Finish {
    switch (s.op) {
      case "let": {
        const use = new Use([s.value], available);
        const value = available.get(s.value);
        if (value?.place === undefined && value) {
          value.place = s.local;
          value.named = true;
        }
        // Nothing is made of a local before its first definition.
        if (this.#defined.has(s.local.id)) dropChanged(available, changesOf([s]), value);
        this.#defined.add(s.local.id);
        return () => [...use.lets(), { ...s, value: use.definition(s.value) }];
      }
      case "variable":
      case "assign": {
        const use = new Use([s.value], available);
        dropChanged(available, changesOf([s]));
        return () => [...use.lets(), { ...s, value: use.of(s.value) }];
      }
      case "store": {
        const use = new Use([s.index, s.value], available);
        dropChanged(available, changesOf([s]));
        return () => [...use.lets(), { ...s, index: use.of(s.index), value: use.of(s.value) }];
      }
      case "if": {
        const use = new Use([s.condition], available);
        const then = this.list(s.then, new Map(available));
        const otherwise = this.list(s.otherwise, new Map(available));
        dropChanged(available, changesOf([s]));
        return () => [...use.lets(), { ...s, condition: use.of(s.condition), then: then(), otherwise: otherwise() }];
      }
      case "loop": {
        const use = new Use([s.count], available);
        const fixed = this.#fixed(s, available);
        dropChanged(available, changesOf([s]));
        const body = this.list(s.body, new Map(available));
        return () => [...use.lets(), ...fixed.lets(), { ...s, count: use.of(s.count), body: body() }];
      }
      case "while": {
        const fixed = this.#fixed(s, available);
        dropChanged(available, changesOf([s]));
        // What the condition computes is not there for the body: it would have to be said between the two.
        const use = new Use([s.condition], new Map(available));
        const body = this.list(s.body, new Map(available));
        return () => [...fixed.lets(), { ...s, condition: use.of(s.condition), body: body() }];
      }
    }
  }

  /** The largest expressions in a loop that do not change in it, now available. */
  #fixed(s: Loop | While, available: Available): Use {
    const found = fixedNodes(s);
    const use = new Use(found, available);
    for (const node of found) keep(available.get(node)!);
    return use;
  }
}

function fixedNodes(s: Loop | While): Expression[] {
  const changes = changesOf([s]);
  const found = new Set<Expression>();
  const seen = { certain: new Set<Expression>(), uncertain: new Set<Expression>() };
  const visit = (e: Expression, certain: boolean): void => {
    const visited = certain ? seen.certain : seen.uncertain;
    if (visited.has(e) || isTrivial(e)) return;
    visited.add(e);
    if (!isChangedBy(e, changes) && (certain || !sourcesOf(e).risky)) found.add(e);
    else for (const part of operandsOf(e)) visit(part, certain);
  };
  const walk = (statements: readonly Statement[], certain: boolean): void => {
    for (const t of statements) {
      switch (t.op) {
        case "let":
        case "variable":
        case "assign":
          visit(t.value, certain);
          break;
        case "store":
          visit(t.index, certain);
          visit(t.value, certain);
          break;
        case "loop":
          visit(t.count, certain);
          walk(t.body, certain && isPositiveConstant(t.count));
          break;
        case "while":
          visit(t.condition, certain);
          walk(t.body, false);
          break;
        case "if":
          visit(t.condition, certain);
          walk(t.then, false);
          walk(t.otherwise, false);
          break;
      }
    }
  };
  if (s.op === "while") visit(s.condition, true);
  walk(s.body, s.op === "loop" && isPositiveConstant(s.count));
  return [...found];
}

function dropChanged(available: Available, changes: Changes, except?: Value): void {
  for (const [node, value] of available) {
    const lost = value !== except && value.place !== undefined && changes.locals.has(value.place.id);
    if (lost || isChangedBy(node, changes)) available.delete(node);
  }
}

function keep(value: Value): void {
  value.place ??= local(value.node.kind, nameOf(value.node), upperBound(value.node));
}

const nameOf = (e: Expression): string => (e.op === "load" ? e.array.name : e.kind === "int" ? "at" : "t");

/** The use of some expressions at one place: what they compute first, and what they take from before. */
class Use {
  readonly #values = new Map<Expression, Value>();
  /** Values computed here for the first time, operands before what is made of them. */
  readonly #first: Value[] = [];
  readonly #made = new Map<Expression, Expression>();

  constructor(roots: readonly Expression[], available: Available) {
    const visit = (node: Expression): void => {
      if (isTrivial(node)) return;
      const found = available.get(node);
      if (found) {
        keep(found);
        this.#values.set(node, found);
        return;
      }
      const value: Value = { node, place: undefined, named: false };
      available.set(node, value);
      this.#values.set(node, value);
      for (const part of operandsOf(node)) visit(part);
      this.#first.push(value);
    };
    roots.forEach(visit);
  }

  /** The `let`s to stand before. */
  lets(): Statement[] {
    return this.#first
      .filter((value) => value.place && !value.named)
      .map((value) => ({ op: "let", local: value.place!, value: this.definition(value.node) }));
  }

  /** An expression, with places for what has them. */
  of(e: Expression): Expression {
    const value = this.#values.get(e);
    return value?.place && !(value.named && this.#first.includes(value)) ? value.place : this.definition(e);
  }

  /** An expression as it is computed, with places for its parts. */
  definition(e: Expression): Expression {
    const value = this.#values.get(e);
    if (value?.place && !this.#first.includes(value)) return value.place;
    let made = this.#made.get(e);
    if (!made) {
      made = this.#rebuilt(e);
      this.#made.set(e, made);
    }
    return made;
  }

  #rebuilt(e: Expression): Expression {
    switch (e.op) {
      case "constant":
      case "local":
        return e;
      case "load":
        return load(e.array, this.of(e.index));
      case "unary":
        return unary(e.name, this.of(e.a));
      case "binary":
        return binary(e.name, this.of(e.a), this.of(e.b));
      case "select":
        return select(this.of(e.condition), this.of(e.a), this.of(e.b));
      case "call":
        return call(e.function, ...e.arguments.map((a) => this.of(a)));
    }
  }
}
