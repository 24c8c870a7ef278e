/** What statements change and what expressions are made from: whether a value stays the same. */
import { operandsOf } from "./affine.ts";
import { upperBound } from "./expressions.ts";
import type { Expression, Statement } from "./ir.ts";

/** What running statements changes. */
export interface Changes {
  readonly locals: ReadonlySet<number>;
  readonly arrays: ReadonlySet<number>;
}

const changesOfStatement = new WeakMap<Statement, Changes>();

/** The locals that statements define or assign, and the arrays that they store to. */
export function changesOf(statements: readonly Statement[]): Changes {
  const [locals, arrays] = [new Set<number>(), new Set<number>()];
  const include = (changes: Changes) => {
    for (const id of changes.locals) locals.add(id);
    for (const id of changes.arrays) arrays.add(id);
  };
  for (const s of statements) {
    switch (s.op) {
      case "let":
      case "variable":
      case "assign":
        locals.add(s.local.id);
        break;
      case "store":
        arrays.add(s.array.id);
        break;
      default: {
        let changes = changesOfStatement.get(s);
        if (!changes) {
          changes = s.op === "if" ? changesOf([...s.then, ...s.otherwise]) : changesOf(s.body);
          if (s.op === "loop") changes = { ...changes, locals: new Set([...changes.locals, s.index.id]) };
          changesOfStatement.set(s, changes);
        }
        include(changes);
      }
    }
  }
  return { locals, arrays };
}

/** What a value is made from, and whether computing it where it is not asked for may fail or cost much. */
export interface Sources extends Changes {
  readonly risky: boolean;
}

const nothing: Sources = { locals: new Set(), arrays: new Set(), risky: false };
const sourcesOfNode = new WeakMap<Expression, Sources>();

/** The locals and arrays that an expression is made from. */
export function sourcesOf(e: Expression): Sources {
  if (e.op === "constant") return nothing;
  const found = sourcesOfNode.get(e);
  if (found) return found;
  const parts = operandsOf(e).map(sourcesOf);
  const own =
    (e.op === "call" && !e.function.isExceptional) ||
    (e.op === "load" && !((upperBound(e.index) ?? Infinity) <= e.array.length)) ||
    (e.op === "binary" && e.kind === "int" && (e.name === "div" || e.name === "rem") && e.b.op !== "constant");
  const sources: Sources = {
    locals: joined(
      parts.map((p) => p.locals),
      e.op === "local" ? e.id : undefined,
    ),
    arrays: joined(
      parts.map((p) => p.arrays),
      e.op === "load" ? e.array.id : undefined,
    ),
    risky: own || parts.some((p) => p.risky),
  };
  sourcesOfNode.set(e, sources);
  return sources;
}

/** The union of sets; one of them itself when it has all, which keeps large expressions cheap. */
function joined(sets: readonly ReadonlySet<number>[], extra: number | undefined): ReadonlySet<number> {
  let largest: ReadonlySet<number> = nothing.locals;
  for (const s of sets) if (s.size > largest.size) largest = s;
  const missing = sets.some((s) => s !== largest && [...s].some((id) => !largest.has(id)));
  if (!missing && (extra === undefined || largest.has(extra))) return largest;
  const union = new Set<number>();
  for (const s of sets) for (const id of s) union.add(id);
  if (extra !== undefined) union.add(extra);
  return union;
}

/** Whether two sets have an element in common. */
export const meets = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean => {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  for (const id of small) if (large.has(id)) return true;
  return false;
};
/** Whether a value may be another one after the changes. */
export const isChangedBy = (e: Expression, changes: Changes): boolean => {
  const sources = sourcesOf(e);
  return meets(sources.locals, changes.locals) || meets(sources.arrays, changes.arrays);
};
