/**
 * Writes several steps of short loops at once, for compilers that do not: where invocations are computed in vectors, what
 * goes round a loop is chosen anew in each step, which costs more than a short step itself.
 */
import { coefficientOf, dependsOn, forEachNode } from "../../kernel/affine.ts";
import { add, div, int, knownBelow, local, mul, sub } from "../../kernel/expressions.ts";
import type { Expression, Local, Loop, Statement } from "../../kernel/ir.ts";
import { rewrite } from "./rewrite.ts";
import { rootsOf } from "./walk.ts";

const steps = 4;
/** Longer bodies, in nodes of their expressions, take long to compile and gain little. */
const longestBody = 96;

/** Statements of the same meaning: each sum joins the same terms in the same order. */
export function unrolled(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((s): Statement[] => {
    switch (s.op) {
      case "loop":
        return isShort(s) ? inSteps(s) : [{ ...s, body: unrolled(s.body) }];
      case "while":
        return [{ ...s, body: unrolled(s.body) }];
      case "if":
        return [{ ...s, then: unrolled(s.then), otherwise: unrolled(s.otherwise) }];
      default:
        return [s];
    }
  });
}

function isShort({ body, count }: Loop): boolean {
  if (count.op === "constant" && Number(count.value) < steps) return false;
  if (body.some((s) => s.op === "loop" || s.op === "while" || s.op === "if")) return false;
  let nodes = 0;
  forEachNode(body.flatMap(rootsOf), () => {
    nodes += 1;
  });
  return nodes <= longestBody;
}

function inSteps(s: Loop): Statement[] {
  const { count } = s;
  const most = s.index.below;
  const at = (e: Expression) => (most === undefined ? e : knownBelow(e, most));
  const whole = (times: Expression, below: number | undefined): Loop => {
    const index = local("int", s.index.name, below === undefined ? undefined : Math.max(below, 1));
    const first = mul(index, int(steps));
    const copies = Array.from({ length: steps }, (_, u) => copyOf(s, at(add(first, int(u)))));
    return { ...s, index, count: times, body: [...readFirst(copies.flat(), index), ...copies.flat()] };
  };
  if (count.op === "constant") {
    const n = Number(count.value);
    const done = n - (n % steps);
    const rest = Array.from({ length: n - done }, (_, u) => copyOf(s, int(done + u)));
    return [whole(int(done / steps), done / steps), ...rest.flat()];
  }
  const [n, times] = [local("int", "steps"), local("int", "times")];
  const rest = local("int", s.index.name);
  return [
    { op: "let", local: n, value: count },
    { op: "let", local: times, value: div(n, int(steps)) },
    whole(times, most === undefined ? undefined : Math.floor(most / steps)),
    {
      ...s,
      index: rest,
      count: sub(n, mul(times, int(steps))),
      body: copyOf(s, at(add(mul(times, int(steps)), rest))),
    },
  ];
}

/** A loop's body for one place of its index, with locals of its own. */
function copyOf({ body, index }: Loop, place: Expression): Statement[] {
  const own = new Map<number, Local>();
  for (const s of body)
    if (s.op === "let" || s.op === "variable") own.set(s.local.id, local(s.local.kind, s.local.name, s.local.below));
  const copies = rewrite(body, (e) => (e === index ? place : e.op === "local" ? (own.get(e.id) ?? e) : e));
  return copies.map((s) => ("local" in s ? { ...s, local: own.get(s.local.id) ?? s.local } : s));
}

/** What steps read of arrays that nobody writes, side by side: read before them, so that it can be read at once. */
function readFirst(statements: readonly Statement[], index: Local): Statement[] {
  const defined = statements.flatMap((s) => (s.op === "let" || s.op === "variable" ? [s.local] : []));
  const found: Statement[] = [];
  forEachNode(statements.flatMap(rootsOf), (e) => {
    if (e.op !== "load" || e.array.access !== "read" || coefficientOf(e.index, index) !== steps) return;
    let isFree = true;
    forEachNode([e.index], (x) => {
      if (x.op === "load" || x.op === "call") isFree = false;
    });
    if (isFree && !defined.some((l) => dependsOn(e.index, l)))
      found.push({ op: "let", local: local(e.kind, "element"), value: e });
  });
  return found;
}
