/** Gamma samples and their derivative in Kernel IR: see random-gamma.ts and gamma-numerics.ts for the methods. */
import * as ir from "../kernel/expressions.ts";
import { digamma, erfinv, log, pow } from "../kernel/functions/index.ts";
import type { Expression, Local, Precision, ScalarFunction, Statement } from "../kernel/ir.ts";
import { drawStream, threefryWords, uniformExpression } from "./threefry.ts";

const { add, mul, sub, div, real, abs, select, lt, le, gt, ge, eq, and, not, neg, int } = ir;

const assign = (local: Local, value: Expression): Statement => ({ op: "assign", local, value });
const variable = (kind: "real" | "int" | "bool", name: string, value: Expression): [Local, Statement] => {
  const local = ir.local(kind, name);
  return [local, { op: "variable", local, value }];
};
const bind = (name: string, value: Expression): [Local, Statement] => {
  const local = ir.local(value.kind, name);
  return [local, { op: "let", local, value }];
};

const made = new Map<string, ScalarFunction>();
function once(key: string, make: () => ScalarFunction): ScalarFunction {
  let f = made.get(key);
  if (!f) {
    f = make();
    made.set(key, f);
  }
  return f;
}

const maxAttempts = 64;

/** One sample of shape alpha from an element's key; NaN unless alpha > 0. */
export function gammaSampleExpression(
  k0: Expression,
  k1: Expression,
  alpha: Expression,
  precision: Precision,
): Expression {
  return ir.call(sampler(precision), k0, k1, alpha);
}

function sampler(precision: Precision): ScalarFunction {
  return once(`sample ${precision}`, () => {
    const [k0, k1, alpha] = [ir.local("int", "k0"), ir.local("int", "k1"), ir.local("real", "alpha")];
    const draw = (index: Expression, kind: "open" | "symmetric") => {
      const [hi, lo] = threefryWords(k0, k1, int(drawStream), index);
      return uniformExpression(hi, lo, kind, precision);
    };
    const small = lt(alpha, real(1));
    const [boost, first] = bind(
      "boost",
      select(small, pow(draw(int(0), "open"), div(real(1), alpha), precision), real(1)),
    );
    const [d, second] = bind("d", sub(select(small, add(alpha, real(1)), alpha), real(1 / 3)));
    const [c, third] = bind("c", div(real(1), ir.sqrt(mul(real(9), d))));
    const [result, fourth] = variable("real", "result", mul(d, boost));
    const [attempt, fifth] = variable("int", "attempt", int(0));
    const [x, sixth] = bind(
      "x",
      mul(real(Math.SQRT2), erfinv(draw(add(mul(attempt, int(2)), int(1)), "symmetric"), precision)),
    );
    const base = add(real(1), mul(c, x));
    const [v, seventh] = bind("v", mul(mul(base, base), base));
    const accepted = lt(
      log(draw(add(mul(attempt, int(2)), int(2)), "open"), precision),
      add(mul(mul(real(0.5), x), x), mul(d, add(sub(real(1), v), log(select(gt(v, real(0)), v, real(1)), precision)))),
    );
    const body: Statement[] = [
      first,
      second,
      third,
      fourth,
      fifth,
      {
        op: "while",
        condition: lt(attempt, int(maxAttempts)),
        body: [
          sixth,
          seventh,
          {
            op: "if",
            condition: and(gt(v, real(0)), accepted),
            then: [assign(result, mul(mul(d, v), boost)), assign(attempt, int(maxAttempts))],
            otherwise: [assign(attempt, add(attempt, int(1)))],
          },
        ],
      },
    ];
    return {
      name: "gamma_sample",
      parameters: [k0, k1, alpha],
      body,
      result: select(gt(alpha, real(0)), result, real(Number.NaN)),
    };
  });
}

/** The derivative of a sample z in its shape a. */
export function gammaSampleDerivativeExpression(a: Expression, z: Expression, precision: Precision): Expression {
  const infinity = real(Number.POSITIVE_INFINITY);
  const usable = and(and(gt(a, real(0)), gt(z, real(0))), and(lt(z, infinity), lt(a, infinity)));
  const large = ge(a, real(1e5));
  const safeA = select(usable, a, real(1));
  const safeZ = select(usable, z, real(1));
  const value = select(
    large,
    fromNormalQuantile(safeA, safeZ),
    ir.call(moderate(precision), select(large, real(1), safeA), select(large, real(1), safeZ)),
  );
  const valid = and(gt(a, real(0)), ge(z, real(0)));
  return select(usable, value, select(not(valid), real(Number.NaN), select(eq(z, real(0)), real(0), infinity)));
}

function moderate(precision: Precision): ScalarFunction {
  return once(`derivative ${precision}`, () => {
    const [a, z] = [ir.local("real", "a"), ir.local("real", "z")];
    const negligible = real(precision === "f64" ? 2 ** -54 : 2 ** -25);
    const [result, first] = variable("real", "result", real(0));
    const [n, second] = variable("int", "n", int(1));
    const body: Statement[] = [
      first,
      second,
      {
        op: "if",
        condition: le(z, add(a, real(1))),
        then: series(a, z, result, n, negligible, precision),
        otherwise: fraction(a, z, result, n, mul(negligible, real(4)), precision),
      },
    ];
    return { name: "gamma_sample_derivative", parameters: [a, z], body, result };
  });
}

function series(
  a: Expression,
  z: Expression,
  result: Local,
  n: Local,
  negligible: Expression,
  precision: Precision,
): Statement[] {
  const [logZ, first] = bind("log_z", log(z, precision));
  const [term, second] = variable("real", "term", div(real(1), a));
  const [psi, third] = variable("real", "psi", digamma(add(a, real(1)), precision));
  const [sum, fourth] = variable("real", "sum", mul(term, sub(psi, logZ)));
  const [x, fifth] = variable("real", "x", add(a, real(1)));
  const [change, sixth] = variable("real", "change", real(0));
  return [
    first,
    second,
    third,
    fourth,
    fifth,
    sixth,
    {
      op: "while",
      condition: lt(n, int(100_000)),
      body: [
        assign(term, mul(term, div(z, x))),
        assign(psi, add(psi, div(real(1), x))),
        assign(x, add(x, real(1))),
        assign(change, mul(term, sub(psi, logZ))),
        assign(sum, add(sum, change)),
        {
          op: "if",
          condition: and(le(abs(change), mul(negligible, abs(sum))), gt(x, z)),
          then: [assign(n, int(100_000))],
          otherwise: [assign(n, add(n, int(1)))],
        },
      ],
    },
    assign(result, mul(z, sum)),
  ];
}

function fraction(
  a: Expression,
  z: Expression,
  result: Local,
  n: Local,
  negligible: Expression,
  precision: Precision,
): Statement[] {
  const start = sub(add(z, real(1)), a);
  const [b, s1] = variable("real", "b", start);
  const [d, s2] = variable("real", "d", div(real(1), b));
  const [dd, s3] = variable("real", "dd", mul(d, d));
  // The first ratio of numerators is infinite: its reciprocal is carried as zero.
  const [inverse, s4] = variable("real", "inverse_c", real(0));
  const [dc, s5] = variable("real", "dc", real(0));
  const [f, s6] = variable("real", "f", d);
  const [df, s7] = variable("real", "df", dd);
  const count = ir.toReal(n);
  const [numerator, t1] = bind("numerator", neg(mul(count, sub(count, a))));
  const [u, t2] = bind("u", add(b, mul(numerator, d)));
  const [du, t3] = bind("du", add(add(real(-1), mul(count, d)), mul(numerator, dd)));
  const [ratio, t4] = bind("ratio", mul(numerator, inverse));
  const [dratio, t5] = bind("dratio", mul(sub(count, mul(ratio, dc)), inverse));
  const [c, t6] = bind("c", add(b, ratio));
  const [step, t7] = bind("step", mul(c, d));
  const [dstep, t8] = bind("dstep", add(mul(dc, d), mul(c, dd)));
  return [
    s1,
    s2,
    s3,
    s4,
    s5,
    s6,
    s7,
    {
      op: "while",
      condition: lt(n, int(100_000)),
      body: [
        t1,
        assign(b, add(b, real(2))),
        t2,
        t3,
        assign(d, div(real(1), u)),
        assign(dd, mul(mul(neg(du), d), d)),
        t4,
        t5,
        t6,
        assign(dc, add(real(-1), dratio)),
        assign(inverse, div(real(1), c)),
        t7,
        t8,
        assign(df, add(mul(df, step), mul(f, dstep))),
        assign(f, mul(f, step)),
        {
          op: "if",
          condition: and(le(abs(sub(step, real(1))), negligible), le(abs(mul(f, dstep)), mul(negligible, abs(df)))),
          then: [assign(n, int(100_000))],
          otherwise: [assign(n, add(n, int(1)))],
        },
      ],
    },
    assign(result, mul(z, add(mul(f, sub(log(z, precision), digamma(a, precision))), df))),
  ];
}

/** See gamma-numerics.ts: the expansion for large shapes, six steps of Newton's method. */
function fromNormalQuantile(a: Expression, z: Expression): Expression {
  const poly = (y: Expression, coefficients: readonly number[]) =>
    coefficients.reduceRight<Expression>((sum, c) => add(mul(sum, y), real(c)), real(0));
  const r = div(real(1), ir.sqrt(a));
  const target = mul(sub(z, a), r);
  // In powers of r: y, (y^2 - 1) / 3, (y^3 - 7 y) / 36, ...
  const terms = [
    [0, 1],
    [-1 / 3, 0, 1 / 3],
    [0, -7 / 36, 0, 1 / 36],
    [16 / 810, 0, -7 / 810, 0, -3 / 810],
    [0, -433 / 38880, 0, 256 / 38880, 0, 9 / 38880],
  ];
  const slopes = terms.slice(0, 4).map((t) => t.slice(1).map((c, i) => c * (i + 1)));
  const inPowers = (list: readonly (readonly number[])[], y: Expression) =>
    list.reduceRight<Expression>((sum, t) => add(mul(sum, r), poly(y, t)), real(0));
  let y: Expression = target;
  for (let i = 0; i < 6; i++) y = sub(y, div(sub(inPowers(terms, y), target), inPowers(slopes, y)));
  const derivative = add(
    mul(real(0.5), y),
    mul(
      mul(r, r),
      add(
        mul(real(-0.5), poly(y, terms[2]!)),
        mul(r, add(neg(poly(y, terms[3]!)), mul(r, mul(real(-1.5), poly(y, terms[4]!))))),
      ),
    ),
  );
  return add(real(1), mul(r, derivative));
}
