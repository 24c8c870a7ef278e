/** Forms without names of their own: arithmetic, elementwise functions, reductions, places, linear algebra. */
import type { Form, Grower, Scope } from "./grow.ts";
import { expression, type Node, place } from "./tree.ts";
import { array, bool, isArray, isReal, position, sameType, scalar, type Type } from "./types.ts";

/** A form for types that pass a test. */
export function form(
  name: string,
  weight: number,
  possible: (type: Type, grower: Grower, scope: Scope) => boolean,
  build: Form["build"],
): Form {
  return { name, weight, possible, build };
}

const isScalar = (type: Type) => isArray(type, 0);
const isVector = (type: Type) => isArray(type, 1);
const isMatrix = (type: Type) => isArray(type, 2);
const isSquare = (type: Type) => isArray(type, 2) && type.shape[0] === type.shape[1];
const isAxes = (type: Type) => isVector(type) || isMatrix(type);

const ofReals: readonly Form[] = [
  form("arithmetic", 5, isReal, (g, type, scope) => {
    const operator = g.one([" + ", " - ", " * "]);
    return expression("arithmetic", type)`(${g.grow(type, scope)}${operator}${g.grow(type, scope)})`;
  }),
  form("scaled", 3, isReal, (g, type, scope) => {
    return expression("scaled", type)`(${g.grow(scalar, scope)} * ${g.grow(type, scope)})`;
  }),
  form("elementwise", 5, isReal, (g, type, scope) => {
    const f = g.one(["sin", "cos", "tanh", "sigmoid", "atan", "erf", "softplus", "gelu"]);
    return expression("elementwise", type)`${f}(${g.grow(type, scope)})`;
  }),
  form("kinked", 3, isReal, (g, type, scope) => {
    const f = g.one(["abs", "relu"]);
    return expression("kinked", type)`${f}(${g.grow(type, scope)})`;
  }),
  form("quotient", 2, isReal, (g, type, scope) => {
    return expression("quotient", type)`(${g.grow(type, scope)} / (1.5 + ${g.grow(type, scope)}^2))`;
  }),
  form("root", 2, isReal, (g, type, scope) => {
    const f = g.one(["sqrt", "log", "lgamma", "digamma"]);
    return expression("root", type)`${f}(1.5 + ${g.grow(type, scope)}^2)`;
  }),
  form("power", 1, isReal, (g, type, scope) => {
    const exponent = g.one(["2", "3"]);
    return expression("power", type)`tanh(${g.grow(type, scope)})^${exponent}`;
  }),
  form(
    "choice",
    2,
    (type) => type.kind === "real",
    (g, type, scope) => {
      const f = g.one(["max", "min", "atan2"]);
      return f === "atan2"
        ? expression("choice", type)`atan2(${g.grow(type, scope)}, 1.5 + ${g.grow(type, scope)}^2)`
        : expression("choice", type)`${f}(${g.grow(type, scope)}, ${g.grow(type, scope)})`;
    },
  ),
  form("where", 2, isAxes, (g, type, scope) => {
    const threshold = g.constantText([]);
    return expression(
      "where",
      type,
    )`where(${g.grow(type, scope, "where", 2)} > ${threshold}, ${g.grow(type, scope)}, ${g.grow(type, scope)})`;
  }),
  form(
    "tuple",
    4,
    (type) => type.kind === "tuple",
    (g, type, scope) =>
      g.tuple(
        type,
        (type.kind === "tuple" ? type.fields : []).map((f) => g.grow(f.type, scope)),
      ),
  ),
  form(
    "flat view",
    1,
    (type) => type.kind === "tuple",
    (g, type, scope) =>
      expression("flat view", type)`unravel(${g.grow(type, scope)}, sin(ravel(${g.grow(type, scope)})))`,
  ),
  form(
    "field",
    2,
    (type, g) => type.kind === "real" && g.tuples.some((t) => t.kind === "tuple" && fieldOf(t, type).length > 0),
    (g, type, scope) => {
      const tuples = g.tuples.filter((t) => t.kind === "tuple" && fieldOf(t, type).length > 0);
      const tuple = g.one(tuples);
      return expression("field", type)`(${g.grow(tuple, scope)}).${g.one(fieldOf(tuple, type))}`;
    },
  ),
];

const fieldOf = (tuple: Type, type: Type): readonly string[] =>
  tuple.kind === "tuple" ? tuple.fields.filter((f) => sameType(f.type, type)).map((f) => f.name) : [];

const ofScalars: readonly Form[] = [
  form("sum", 5, isScalar, (g, _, scope) => {
    const type = g.anyType();
    const f = g.one(["sum", "sum", "norm"]);
    if (f === "norm") return expression("sum", scalar)`norm(${g.grow(type, scope)})`;
    return expression("sum", scalar)`sum(${g.grow(type, scope)})`;
  }),
  form("inner product", 3, isScalar, (g, _, scope) => {
    const type = g.chance(4) ? g.one(g.tuples) : array(g.dimension());
    return expression("inner product", scalar)`dot(${g.grow(type, scope)}, ${g.grow(type, scope)})`;
  }),
  form("reduction", 4, isScalar, (g, _, scope) => {
    const d = g.dimension();
    const always = ["prod"];
    const filled = ["mean", "max", "min", "logsumexp", "prod", "var"];
    const f = g.one(g.nonEmpty(d) ? filled : always);
    const type = array(d);
    return expression("reduction", scalar, ...(f === "prod" ? [] : [d]))`${f}(${g.grow(type, scope)})`;
  }),
  form(
    "entry",
    4,
    (type, g) => isScalar(type) && g.nonEmpty("n"),
    (g, _, scope) => {
      const vector = g.grow(array("n"), scope);
      return expression("entry", scalar, "n")`${bracketed(vector)}[${g.grow(position("n"), scope)}]`;
    },
  ),
  form("determinant", 1, isScalar, (g, _, scope) => {
    const f = g.one(["det", "logdet", "trace_of"]);
    return expression("determinant", scalar)`${f}(${definite(g, scope)})`;
  }),
  form("quadratic form", 1, isScalar, (g, _, scope) => {
    const [left, right] = [array("n"), array("m")];
    return expression(
      "quadratic form",
      scalar,
    )`(${g.grow(left, scope)} @ ${g.grow(array("n", "m"), scope)} @ ${g.grow(right, scope)})`;
  }),
];

/** What an index or a transpose is put behind. */
const bracketed = (node: Node): Node =>
  node.variable === undefined ? expression("brackets", node.type)`(${node})` : node;

/** A symmetric positive definite matrix with eigenvalues of their own. */
function definite(g: Grower, scope: Scope): Node {
  const c = g.fresh("c", array("n"));
  const v = g.grow(c.type, scope, "factors", 2);
  return expression(
    "definite",
    array("n", "n"),
  )`({ let ${c.name} = tanh(${v})\n diag(linspace[n](1.0, 3.0)) + 0.2 * outer(${c.name}, ${c.name}) })`;
}

const ofVectors: readonly Form[] = [
  form("cumulative", 2, isVector, (g, type, scope) => {
    const f = g.one(["cumsum", "cumprod", "cummax", "cummin"]);
    return expression("cumulative", type)`${f}(${g.grow(type, scope)})`;
  }),
  form("order", 2, isVector, (g, type, scope) => {
    const f = g.one(["sort", "softmax", "log_softmax"]);
    const needs = type.kind === "real" && f !== "sort" ? type.shape : [];
    if (!g.nonEmpty(...needs)) return expression("order", type)`sort(${g.grow(type, scope)})`;
    return expression("order", type, ...needs)`${f}(${g.grow(type, scope)})`;
  }),
  form("gather", 3, isVector, (g, type, scope) => {
    const n = type.kind === "real" ? type.shape[0]! : "n";
    const by = g.pick(3);
    if (by === 0 || !g.nonEmpty(n))
      return expression("gather", type)`${bracketed(g.grow(type, scope))}[argsort(${g.grow(type, scope)})]`;
    if (by === 1 && scope.folds?.length === 0)
      return expression(
        "gather",
        type,
      )`${bracketed(g.grow(type, scope))}[permutation[${n}](key(${String(g.freshNumber())}))]`;
    const i = g.fresh("i", position(n));
    return expression(
      "gather",
      type,
      n,
    )`${bracketed(g.grow(type, scope))}[[mod(2 * ${i.name} + 1, ${n}) for ${i.name} in 0..${n}]]`;
  }),
  form(
    "update",
    4,
    (type, g) => type.kind === "real" && type.shape.length === 1 && g.nonEmpty(...type.shape),
    (g, type, scope) => {
      const n = type.kind === "real" ? type.shape[0]! : "n";
      const vector = g.grow(type, scope, "update");
      const at = () => g.grow(position(n), scope, "update");
      const value = () => g.grow(scalar, scope, "update");
      if (g.chance(3))
        return expression(
          "update",
          type,
          n,
        )`(${vector} with [[${place(g.pick(3), n)}, ${place(g.pick(3), n)}]] += [${value()}, ${value()}])`;
      return expression("update", type, n)`(${vector} with [${at()}] ${g.one(["=", "+="])} ${value()})`;
    },
  ),
  form(
    "slices",
    2,
    (type, g) => type.kind === "real" && type.shape.length === 1 && g.nonEmpty(...type.shape),
    (g, type, scope) => {
      const n = type.kind === "real" ? type.shape[0]! : "n";
      const [a, b] = [bracketed(g.grow(type, scope)), bracketed(g.grow(type, scope))];
      return expression("slices", type, n)`concat(${a}[1:], ${b}[:1])`;
    },
  ),
  form("turned", 1, isVector, (g, type, scope) => {
    if (g.chance(2)) return expression("turned", type)`flip(${g.grow(type, scope)})`;
    return expression("turned", type)`roll(${g.grow(type, scope)}, 1)`;
  }),
  form("product", 3, isVector, (g, type, scope) => {
    const n = type.kind === "real" ? type.shape[0]! : "n";
    const k = g.dimension();
    if (g.chance(3)) return expression("product", type)`(${g.grow(array(k), scope)} @ ${g.grow(array(k, n), scope)})`;
    return expression("product", type)`(${g.grow(array(n, k), scope)} @ ${g.grow(array(k), scope)})`;
  }),
  form("row", 2, isVector, (g, type, scope) => {
    const n = type.kind === "real" ? type.shape[0]! : "n";
    const k = g.dimension();
    const matrix = bracketed(g.grow(array(k, n), scope));
    if (!g.nonEmpty(k) || g.chance(3)) {
      const f = g.nonEmpty(k) ? g.one(["sum", "max", "mean"]) : "sum";
      return expression("row", type, ...(f === "sum" ? [] : [k]))`${f}(${matrix}, axis = 0)`;
    }
    return expression("row", type, k)`${matrix}[${g.grow(position(k), scope)}]`;
  }),
  form(
    "segments",
    1,
    (type, g) => type.kind === "real" && type.shape.length === 1 && g.nonEmpty(...type.shape),
    (g, type, scope) => {
      const n = type.kind === "real" ? type.shape[0]! : "n";
      const k = g.dimension();
      const i = g.fresh("i", position(k));
      return expression(
        "segments",
        type,
        n,
      )`segment_sum[${n}](${g.grow(array(k), scope)}, [mod(${i.name}, ${n}) for ${i.name} in 0..${k}])`;
    },
  ),
  form(
    "factors",
    3,
    (type) => type.kind === "real" && type.shape.length === 1 && type.shape[0] === "n",
    (g, type, scope) => {
      const right = () => g.grow(type, scope, "factors");
      switch (g.pick(5)) {
        case 0:
          return expression("factors", type)`linear_solve(${definite(g, scope)}, ${right()})`;
        case 1:
          return expression("factors", type)`cholesky_solve(cholesky(${definite(g, scope)}), ${right()})`;
        case 2:
          return expression("factors", type)`(cholesky(${definite(g, scope)}) @ ${right()})`;
        case 3: {
          const values = g.fresh("l", type).name;
          return expression("factors", type)`({ let (${values}, _) = eigh(${definite(g, scope)})\n ${values} })`;
        }
        default:
          return expression("factors", type)`(inverse(${definite(g, scope)}) @ ${right()})`;
      }
    },
  ),
];

const ofMatrices: readonly Form[] = [
  form("outer", 3, isMatrix, (g, type, scope) => {
    const [a, b] = type.kind === "real" ? type.shape : [];
    return expression("outer", type)`outer(${g.grow(array(a!), scope)}, ${g.grow(array(b!), scope)})`;
  }),
  form("matrix product", 2, isMatrix, (g, type, scope) => {
    const [a, b] = type.kind === "real" ? type.shape : [];
    const k = g.dimension();
    return expression("matrix product", type)`(${g.grow(array(a!, k), scope)} @ ${g.grow(array(k, b!), scope)})`;
  }),
  form("transpose", 2, isMatrix, (g, type, scope) => {
    const [a, b] = type.kind === "real" ? type.shape : [];
    return expression("transpose", type)`${bracketed(g.grow(array(b!, a!), scope))}'`;
  }),
  form("triangle", 1, isSquare, (g, type, scope) => {
    return expression("triangle", type)`${g.one(["tril", "triu"])}(${g.grow(type, scope)})`;
  }),
];

const ofOthers: readonly Form[] = [
  form(
    "comparison",
    6,
    (type) => type.kind === "bool",
    (g, _, scope) =>
      expression(
        "comparison",
        bool,
      )`(${g.grow(scalar, scope, "comparison", 2)} ${g.one([">", "<"])} ${g.constantText([])})`,
  ),
  form(
    "any",
    1,
    (type) => type.kind === "bool",
    (g, _, scope) =>
      expression("any", bool)`${g.one(["any", "all"])}(${g.grow(array("n"), scope, "any", 2)} > ${g.constantText([])})`,
  ),
  form(
    "place of",
    1,
    (type, g) => type.kind === "position" && g.nonEmpty(type.of),
    (g, type, scope) => {
      const d = type.kind === "position" ? type.of : "n";
      return expression("place of", type, d)`${g.one(["argmax", "argmin"])}(${g.grow(array(d), scope, "place of", 2)})`;
    },
  ),
];

export const valueForms: readonly Form[] = [...ofReals, ...ofScalars, ...ofVectors, ...ofMatrices, ...ofOthers];
