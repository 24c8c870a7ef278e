/**
 * Loads that the four invocations of a quad would make all alike: each makes one of four of them, and has the others from
 * its neighbours. For adapters that compute a quad in a vector, and read for each of its invocations by itself.
 */
import { operandsOf } from "../../kernel/affine.ts";
import { add, eq, int, local, lt, mul, rem, select } from "../../kernel/expressions.ts";
import type { Expression, Local, Loop, Statement } from "../../kernel/ir.ts";
import { type Component, definitionsIn, type Four, splitOf } from "./fours.ts";
import { assignedIn } from "./module.ts";

/** The invocations of a quad: those whose numbers differ in the last two bits. */
const size = 4;

/** Four loads of fours, one for each invocation of a quad. */
export interface QuadLoad {
  readonly array: Four["array"];
  /** Where the four starts that an invocation reads: another for each of the quad. */
  readonly index: Expression;
}

/** Whose four of a load it is. */
export interface QuadMember {
  readonly load: QuadLoad;
  readonly reader: number;
}

export interface Quads {
  /** The number of an invocation among the four. */
  readonly lane: Local;
  readonly members: ReadonlyMap<Four, QuadMember>;
}

/**
 * The loads of fours that quads share, of a grid's body that was prepared. They stand where all four invocations are, or
 * none is: iterations come in whole quads, or there are no such loads.
 */
export function quadsOf(
  { index, count, body }: { readonly index: Local; readonly count: number; readonly body: readonly Statement[] },
  fours: ReadonlyMap<Statement, Component>,
): Quads | undefined {
  if (count % size !== 0) return undefined;
  const lane = local("int", "lane_of_quad", size);
  const definitions = definitionsIn(body);
  const assigned = assignedIn(body);
  const members = new Map<Four, QuadMember>();
  /** What is the same in a quad, of the locals that were declared. */
  const alike = new Set<number>();
  const isAlike = (e: Expression): boolean => {
    if (e.op === "local") return alike.has(e.id);
    if (e.op === "load" || e.op === "call") return false;
    if (e.op === "binary" && e.name === "div" && e.a === index) return e.b.op === "constant" && isWhole(e.b.value);
    return operandsOf(e).every(isAlike);
  };
  const inList = (list: readonly Statement[]): void => {
    const waiting = new Map<string, { readonly four: Four; readonly offset: number }[]>();
    const seen = new Set<Four>();
    for (const s of list) {
      if (s.op === "let")
        if (!assigned.has(s.local.id) && isAlike(s.value)) alike.add(s.local.id);
        else alike.delete(s.local.id);
      if (s.op === "loop" && isAlike(s.count)) inLoop(s);
      const four = fours.get(s)?.four;
      if (!four || seen.has(four) || !isAlike(four.index)) continue;
      seen.add(four);
      const [base, offset] = splitOf(four.index, definitions, assigned);
      const key = `${four.array.id} ${base?.serial}`;
      const group = [...(waiting.get(key) ?? []), { four, offset }];
      waiting.set(key, group.length === size ? [] : group);
      if (group.length < size) continue;
      const load = {
        array: four.array,
        index: placeOf(
          base,
          group.map((g) => g.offset),
          lane,
        ),
      };
      group.forEach((g, reader) => {
        members.set(g.four, { load, reader });
      });
    }
  };
  const inLoop = (s: Loop): void => {
    alike.add(s.index.id);
    inList(s.body);
  };
  inList(body);
  return members.size > 0 ? { lane, members } : undefined;
}

const isWhole = (divisor: number | bigint): boolean => Number(divisor) % size === 0;

/** A base and, of four offsets, the one of an invocation. */
function placeOf(base: Expression | undefined, offsets: readonly number[], lane: Local): Expression {
  const [first, second, third, fourth] = offsets as [number, number, number, number];
  const step = second - first;
  const isEven = third - second === step && fourth - third === step;
  const odd = eq(rem(lane, int(2)), int(1));
  const chosen = isEven
    ? add(mul(lane, int(step)), int(first))
    : select(lt(lane, int(2)), select(odd, int(second), int(first)), select(odd, int(fourth), int(third)));
  return base ? add(base, chosen) : chosen;
}
