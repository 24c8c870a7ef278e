/** Division that rounds down, in Kernel IR: see rounding.ts for what it means. */
import * as ir from "../kernel/expressions.ts";
import { isFinite as isFiniteReal, isNaN as isNaNReal } from "../kernel/functions/classify.ts";
import type { Expression, Local, Precision, ScalarFunction, Statement } from "../kernel/ir.ts";

const { add, sub, mul, div, lt, gt, ge, eq, ne, and, or, not, select, abs, int, real, neg } = ir;

/** |x| as an int that may be read as unsigned; of the lowest int itself. */
const magnitude = (x: Expression) => select(lt(x, int(0)), neg(x), x);
const differ = (x: Expression, y: Expression) => ne(lt(x, int(0)), lt(y, int(0)));

/**
 * Quotient and remainder of |x| by |y|, both as unsigned 32-bit numbers, y not 0: the IR divides numbers below 2^31.
 * Half of |x| is divided, and the last bit put in after.
 */
function unsignedDivision(x: Expression, y: Expression): readonly [Expression, Expression] {
  const [n, d] = [magnitude(x), magnitude(y)];
  const lowest = lt(d, int(0));
  const safe = select(lowest, int(1), d);
  const half = ir.shr(n, int(1));
  const rest = add(ir.shl(ir.rem(half, safe), int(1)), ir.and(n, int(1)));
  const flip = (e: Expression) => ir.xor(e, int(-2147483648));
  const more = ge(flip(rest), flip(safe));
  const quotient = add(ir.shl(div(half, safe), int(1)), ir.toInt(more));
  const remainder = select(more, sub(rest, safe), rest);
  // A divisor of 2^31 goes into 2^31 alone.
  const equal = eq(n, d);
  return [select(lowest, ir.toInt(equal), quotient), select(lowest, select(equal, int(0), n), remainder)];
}

export function intQuotient(x: Expression, y: Expression): Expression {
  const zero = eq(y, int(0));
  const [quotient, remainder] = unsignedDivision(x, select(zero, int(1), y));
  const down = sub(neg(quotient), ir.toInt(ne(remainder, int(0))));
  return select(zero, int(0), select(differ(x, y), down, quotient));
}

export function intRemainder(x: Expression, y: Expression): Expression {
  const zero = eq(y, int(0));
  const [, remainder] = unsignedDivision(x, select(zero, int(1), y));
  const signed = select(lt(x, int(0)), neg(remainder), remainder);
  const moved = select(and(ne(remainder, int(0)), differ(x, y)), add(signed, y), signed);
  return select(zero, int(0), moved);
}

const truncatedRemainders = new Map<Precision, ScalarFunction>();

/**
 * x - y trunc(x / y), exactly, for finite x and y not 0: y times a power of two is taken away again and again, which
 * rounds nothing. At most as many steps as there are exponents.
 */
function truncatedRemainder(precision: Precision): ScalarFunction {
  let made = truncatedRemainders.get(precision);
  if (made) return made;
  const [x, y] = [ir.local("real", "x"), ir.local("real", "y")];
  const [rest, part] = [ir.local("real", "rest"), ir.local("real", "part")];
  const assign = (local: Local, value: Expression): Statement => ({ op: "assign", local, value });
  const body: Statement[] = [
    { op: "variable", local: rest, value: abs(x) },
    { op: "variable", local: part, value: abs(y) },
    // The largest power-of-two multiple of |y| that is at most |x|.
    { op: "while", condition: ir.le(part, mul(rest, real(0.5))), body: [assign(part, add(part, part))] },
    {
      op: "while",
      condition: ge(part, abs(y)),
      body: [
        { op: "if", condition: ge(rest, part), then: [assign(rest, sub(rest, part))], otherwise: [] },
        assign(part, mul(part, real(0.5))),
      ],
    },
  ];
  made = { name: "remainder", parameters: [x, y], body, result: select(lt(x, real(0)), neg(rest), rest) };
  truncatedRemainders.set(precision, made);
  return made;
}

export function realRemainder(x: Expression, y: Expression, precision: Precision): Expression {
  const usable = and(isFiniteReal(x, precision), and(ne(y, real(0)), not(isNaNReal(y, precision))));
  const infinite = and(not(isFiniteReal(y, precision)), not(isNaNReal(y, precision)));
  const r = select(
    infinite,
    x,
    ir.call(truncatedRemainder(precision), select(usable, x, real(0)), select(and(usable, not(infinite)), y, real(1))),
  );
  const moved = select(and(ne(r, real(0)), ne(lt(r, real(0)), lt(y, real(0)))), add(r, y), r);
  return select(usable, moved, real(Number.NaN));
}

export function realQuotient(x: Expression, y: Expression, precision: Precision): Expression {
  const plain = ir.floor(div(x, y));
  const infinite = and(not(isFiniteReal(y, precision)), not(isNaNReal(y, precision)));
  const below = and(ne(x, real(0)), ne(lt(x, real(0)), lt(y, real(0))));
  const ratio = div(sub(x, realRemainder(x, y, precision)), y);
  const low = ir.floor(ratio);
  const nearest = select(gt(sub(ratio, low), real(0.5)), add(low, real(1)), low);
  return select(
    or(eq(y, real(0)), not(isFiniteReal(x, precision))),
    plain,
    select(infinite, select(below, real(-1), real(0)), nearest),
  );
}
