/** The general contraction: sums of products over pairs of axes, beside batch axes that run together. */
import { compareDims } from "../core/dimension.ts";
import { type ArrayType, type Atom, showType } from "../core/graph.ts";
import { type BatchResult, type Emitter, makeArray, type Primitive } from "../core/primitive.ts";
import { invariant } from "../syntax/diagnostic.ts";
import { add, mul } from "./arithmetic.ts";
import { asMatrices, multiplyInts, multiplyReals } from "./matrix-product.ts";
import { moveAxis, transpose } from "./shape.ts";
import { otherAxes } from "./strides.ts";

export type DotParams = {
  /** Axes of x and of y that are summed over, in pairs. */
  readonly contract: readonly [readonly number[], readonly number[]];
  /** Axes of x and of y that run together, in pairs. */
  readonly batch: readonly [readonly number[], readonly number[]];
};

const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** The axes of operand 0 or 1 that are in neither list. */
function freeAxes(rank: number, { contract, batch }: DotParams, operand: 0 | 1): number[] {
  return otherAxes(rank, [...contract[operand], ...batch[operand]]);
}

export const dotGeneralPrimitive: Primitive<DotParams> = {
  name: "dotGeneral",
  infer: (inputs, params) => {
    const [x, y] = inputs as readonly [ArrayType, ArrayType];
    const { contract, batch } = params;
    const pairs = [contract, batch].flatMap(([xs, ys]) => xs.map((a, i) => [a, ys[i]!] as const));
    invariant(
      x.dtype === y.dtype &&
        x.dtype !== "bool" &&
        contract[0].length === contract[1].length &&
        batch[0].length === batch[1].length &&
        pairs.every(
          ([a, c]) => a < x.shape.length && c < y.shape.length && compareDims(x.shape[a]!, y.shape[c]!) !== "different",
        ),
      () => `dotGeneral of ${inputs.map(showType).join(" and ")} by ${JSON.stringify(params)}`,
    );
    const shape = [
      ...batch[0].map((a) => x.shape[a]!),
      ...freeAxes(x.shape.length, params, 0).map((a) => x.shape[a]!),
      ...freeAxes(y.shape.length, params, 1).map((a) => y.shape[a]!),
    ];
    return [{ dtype: x.dtype, shape }];
  },
  evaluate: ([x, y], params, context) => {
    const { contract, batch } = params;
    const [xFree, yFree] = [freeAxes(x!.shape.length, params, 0), freeAxes(y!.shape.length, params, 1)];
    const sizes = (a: { shape: readonly number[] }, axes: readonly number[]) => axes.map((i) => a.shape[i]!);
    const product = (dims: readonly number[]) => dims.reduce((p, d) => p * d, 1);
    const lanes = sizes(x!, batch[0]);
    const result = makeArray(context, x!.dtype, [...lanes, ...sizes(x!, xFree), ...sizes(y!, yFree)]);
    const count = product(lanes);
    const [m, k, n] = [product(sizes(x!, xFree)), product(sizes(x!, contract[0])), product(sizes(y!, yFree))];
    const multiply = x!.dtype === "int" ? multiplyInts : multiplyReals;
    if (n === 1) {
      // A matrix times a vector is the vector times the transposed matrix: the vector leads, and the
      // matrix may lie either way.
      const row = asMatrices(y!, batch[1], yFree, contract[1], false);
      const matrix = asMatrices(x!, batch[0], contract[0], xFree, true);
      result.data.set(multiply(row.data, matrix, count, 1, k, m));
    } else {
      const rows = asMatrices(x!, batch[0], xFree, contract[0], false);
      const matrix = asMatrices(y!, batch[1], contract[1], yFree, m <= 4);
      result.data.set(multiply(rows.data, matrix, count, m, k, n));
    }
    return [result];
  },
  lower: {
    kind: "product",
    axes: ({ params, inputs }) => ({
      batch: params.batch,
      contract: params.contract,
      free: [freeAxes(inputs[0]!.shape.length, params, 0), freeAxes(inputs[1]!.shape.length, params, 1)],
    }),
  },
  // d(x . y) = dx . y + x . dy
  jvp: (b, call, [dx, dy]) => {
    const outputs = b.emit(dotGeneralPrimitive, call.inputs, call.params);
    const [x, y] = call.inputs as readonly [Atom, Atom];
    const s = dx && dotGeneral(b, dx, y, call.params);
    const t = dy && dotGeneral(b, x, dy, call.params);
    return { outputs, tangents: [s && t ? add(b, s, t) : (s ?? t)] };
  },
  // <ct, x . y> = <ct . y over y's free axes, x> = <x . ct over x's free axes, y>
  transpose: (b, { inputs, params }, linear, [ct]) => {
    if (!ct) return [undefined, undefined];
    const [x, y] = inputs as readonly [Atom, Atom];
    return [
      linear[0] ? cotangentOfX(b, x, y, params, ct) : undefined,
      linear[1] ? cotangentOfY(b, x, y, params, ct) : undefined,
    ];
  },
  batch: (b, { inputs, params }, [xBatched, yBatched]): BatchResult => {
    const [x, y] = inputs as readonly [Atom, Atom];
    const shift = (axes: readonly number[], by: boolean | undefined) => (by ? axes.map((a) => a + 1) : axes);
    const contract = [shift(params.contract[0], xBatched), shift(params.contract[1], yBatched)] as const;
    const batch = [shift(params.batch[0], xBatched), shift(params.batch[1], yBatched)] as const;
    if (xBatched && yBatched) {
      const both = {
        contract,
        batch: [
          [0, ...batch[0]],
          [0, ...batch[1]],
        ] as const,
      };
      return { outputs: [dotGeneral(b, x, y, both)], batched: [true] };
    }
    // The lanes are one more free axis: first among those of their operand.
    const z = dotGeneral(b, x, y, { contract, batch });
    const before = batch[0].length + (yBatched ? freeAxes(x.type.shape.length, params, 0).length : 0);
    return { outputs: [moveAxis(b, z, before, 0)], batched: [true] };
  },
};

/** Where `axis` stands when the listed axes are sorted. */
const rankAmong = (axes: readonly number[], axis: number) => axes.filter((a) => a < axis).length;

function cotangentOfX(b: Emitter, x: Atom, y: Atom, params: DotParams, ct: Atom): Atom {
  const { contract, batch } = params;
  const [lanes, xRank, yRank] = [batch[0].length, x.type.shape.length, y.type.shape.length];
  const [xFree, yFree] = [freeAxes(xRank, params, 0), freeAxes(yRank, params, 1)];
  const z = dotGeneral(b, ct, y, {
    contract: [range(lanes + xFree.length, yFree.length), yFree],
    batch: [range(0, lanes), batch[1]],
  });
  // z has the axes [batch, x's free, y's contracted in y's order].
  const place = range(0, xRank).map((a) => {
    if (batch[0].includes(a)) return batch[0].indexOf(a);
    if (xFree.includes(a)) return lanes + xFree.indexOf(a);
    return lanes + xFree.length + rankAmong(contract[1], contract[1][contract[0].indexOf(a)]!);
  });
  return transpose(b, z, place);
}

function cotangentOfY(b: Emitter, x: Atom, y: Atom, params: DotParams, ct: Atom): Atom {
  const { contract, batch } = params;
  const [lanes, xRank, yRank] = [batch[0].length, x.type.shape.length, y.type.shape.length];
  const [xFree, yFree] = [freeAxes(xRank, params, 0), freeAxes(yRank, params, 1)];
  const z = dotGeneral(b, x, ct, {
    contract: [xFree, range(lanes, xFree.length)],
    batch: [batch[0], range(0, lanes)],
  });
  // z has the axes [batch, x's contracted in x's order, y's free].
  const place = range(0, yRank).map((a) => {
    if (batch[1].includes(a)) return batch[1].indexOf(a);
    if (yFree.includes(a)) return lanes + contract[0].length + yFree.indexOf(a);
    return lanes + rankAmong(contract[0], contract[0][contract[1].indexOf(a)]!);
  });
  return transpose(b, z, place);
}

/**
 * Sums of products of `x` and `y` (both real or both int) over the `contract` axes; the result has the
 * batch axes, then x's other axes, then y's. Sums are formed in f64.
 */
export function dotGeneral(b: Emitter, x: Atom, y: Atom, params: DotParams): Atom {
  const { contract, batch } = params;
  // A number times an array, as the derivative of an inner product is: elementwise, the number first in either order.
  if (x.type.shape.length === 0) return mul(b, x, y);
  if (y.type.shape.length === 0) return mul(b, y, x);
  return b.emit(dotGeneralPrimitive, [x, y], {
    contract: [[...contract[0]], [...contract[1]]],
    batch: [[...batch[0]], [...batch[1]]],
  })[0]!;
}

/** `x @ y` for ranks one and two: matrix or inner product. */
export function matmul(b: Emitter, x: Atom, y: Atom): Atom {
  const last = x.type.shape.length - 1;
  return dotGeneral(b, x, y, { contract: [[last], [0]], batch: [[], []] });
}

/** The inner product of two arrays of one shape: a scalar. */
export function innerProduct(b: Emitter, x: Atom, y: Atom): Atom {
  const axes = x.type.shape.map((_, i) => i);
  return dotGeneral(b, x, y, { contract: [axes, axes], batch: [[], []] });
}

export const dotPrimitives: readonly Primitive[] = [dotGeneralPrimitive] as readonly Primitive[];
