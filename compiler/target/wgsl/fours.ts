/**
 * Loads of four elements that lie side by side, of which WGSL makes one load of a vector: an adapter that checks each
 * access checks once, and computes one place.
 */
import { add, int } from "../../kernel/expressions.ts";
import type { Expression, Local, Statement } from "../../kernel/ir.ts";
import { assignedIn } from "./module.ts";
import { forEachStatement } from "./walk.ts";

/** Four loads, in the order of their places; the first of them is a multiple of four. */
export interface Four {
  readonly array: Extract<Expression, { op: "load" }>["array"];
  /** Where the first element is. */
  readonly index: Expression;
}

/** What a `let` of one element reads: its four, and which of them it is. */
export interface Component {
  readonly four: Four;
  readonly component: 0 | 1 | 2 | 3;
}

type Let = Extract<Statement, { op: "let" }>;

interface Candidate extends Four {
  readonly four: (Let | undefined)[];
}
const noneOfFour = (): Candidate["four"] => [undefined, undefined, undefined, undefined];

function assignsInts(statement: Statement): boolean {
  let found = false;
  forEachStatement([statement], (s) => {
    if (s.op === "assign" && s.local.kind === "int") found = true;
  });
  return found;
}

/**
 * The fours of some statements that were prepared, by the `let`s that read one element of theirs. The first of these that
 * is printed reads them all: they stand in one list of statements, and nobody writes to the array.
 */
export function foursOf(statements: readonly Statement[]): ReadonlyMap<Statement, Component> {
  const definitions = definitionsIn(statements);
  const assigned = assignedIn(statements);
  const found = new Map<Statement, Component>();
  const inList = (list: readonly Statement[]): void => {
    let candidates = new Map<string, Candidate>();
    const finish = (): void => {
      for (const { array, index, four } of candidates.values()) {
        if (four.includes(undefined) || factorOf(index, definitions) !== 4) continue;
        const made: Four = { array, index };
        four.forEach((s, i) => {
          found.set(s!, { four: made, component: i as Component["component"] });
        });
      }
      candidates = new Map();
    };
    for (const s of list) {
      if (s.op === "loop" || s.op === "while") inList(s.body);
      else if (s.op === "if") [s.then, s.otherwise].forEach(inList);
      else if (s.op === "let" && s.value.op === "load") {
        const { array, index } = s.value;
        if (array.access !== "read" || array.kind !== "real") continue;
        const [base, offset] = splitOf(index, definitions, assigned);
        const key = `${array.id} ${base?.serial} ${offset >> 2}`;
        // Named by the base, which stands before all four: the name of the first place may stand after another.
        const first = int(offset & ~3);
        const candidate = candidates.get(key) ?? { array, index: base ? add(base, first) : first, four: noneOfFour() };
        candidates.set(key, candidate);
        candidate.four[offset & 3] ??= s;
      }
      // Places before and after are not the same.
      if (assignsInts(s)) finish();
    }
    finish();
  };
  inList(statements);
  return found;
}

type Definitions = ReadonlyMap<Local["id"], Expression | undefined>;

/** What `let`s say that locals are, of those that one statement declares. */
export function definitionsIn(statements: readonly Statement[]): Definitions {
  const definitions = new Map<Local["id"], Expression | undefined>();
  forEachStatement(statements, (s) => {
    if (s.op === "let") definitions.set(s.local.id, definitions.has(s.local.id) ? undefined : s.value);
  });
  return definitions;
}

/** A place as something and a constant, also where names stand for sums of others that do not change and one. */
export function splitOf(
  index: Expression,
  definitions: Definitions,
  assigned: ReadonlySet<Local["id"]>,
): readonly [Expression | undefined, number] {
  const direct = sumOf(index);
  const [base, offset] = direct;
  const value = base?.op === "local" ? definitions.get(base.id) : undefined;
  if (!value) return direct;
  const [named, more] = sumOf(value);
  if (named?.op !== "local" || more === 0 || assigned.has(named.id)) return direct;
  const [last, rest] = splitOf(named, definitions, assigned);
  return [last, offset + more + rest];
}

function sumOf(index: Expression): readonly [Expression | undefined, number] {
  if (index.op === "constant") return [undefined, Number(index.value)];
  if (index.op === "binary" && index.name === "add" && index.b.op === "constant")
    return [index.a, Number(index.b.value)];
  return [index, 0];
}

/** The largest of 4, 2 and 1 that an int is a multiple of, as far as one can see; it may wrap. */
function factorOf(e: Expression, definitions: Definitions): 1 | 2 | 4 {
  const factor = (x: Expression): 1 | 2 | 4 => factorOf(x, definitions);
  switch (e.op) {
    case "constant":
      return powerOf(Number(e.value));
    case "local": {
      const value = definitions.get(e.id);
      return value ? factor(value) : 1;
    }
    case "select":
      return smaller(factor(e.a), factor(e.b));
    case "binary":
      if (e.kind !== "int") return 1;
      if (e.name === "mul") return powerOf(factor(e.a) * factor(e.b));
      if (["add", "sub", "min", "max", "rem"].includes(e.name)) return smaller(factor(e.a), factor(e.b));
      return 1;
    default:
      return 1;
  }
}

const powerOf = (n: number): 1 | 2 | 4 => (n % 4 === 0 ? 4 : n % 2 === 0 ? 2 : 1);
const smaller = (a: 1 | 2 | 4, b: 1 | 2 | 4): 1 | 2 | 4 => (a < b ? a : b);
