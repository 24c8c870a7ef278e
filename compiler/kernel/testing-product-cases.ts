/** Graphs with large matrix products whose operands lie in memory, or are laid out and shared: for tests. */
import { type NdArray, ndArray } from "../core/array.ts";
import type { Atom } from "../core/graph.ts";
import type { Emitter } from "../core/primitive.ts";
import { dotGeneral, matmul } from "../primitives/dot.ts";
import { gather } from "../primitives/gather.ts";
import { pad, reshape, transpose } from "../primitives/shape.ts";
import { unfold } from "../primitives/unfold.ts";
import { randomArray } from "./testing-comparison.ts";
import type { FusionCase } from "./testing-fusion-cases.ts";

const arrays = (...shapes: readonly (readonly number[])[]) => shapes.map((s, i) => randomArray(s, 300 + i));
const transposed = (b: Emitter, x: Atom) => transpose(b, x, [1, 0]);

/** The windows of images [m, h, w] as rows. */
function windows(b: Emitter, images: Atom, size: number, stride: number, edge: number): Atom {
  const kernel = [size, size];
  const x = unfold(b, images, { kernel, stride: [stride, stride], low: [edge, edge], high: [edge, edge] });
  const [m, , , rows, columns] = x.type.shape.map(Number) as [number, number, number, number, number];
  return reshape(b, transpose(b, x, [0, 3, 4, 1, 2]), [m * rows * columns, size * size]);
}

/** Indices into 120 rows, some of them twice, and one that is none. */
const picked: NdArray = ndArray(
  "int",
  [70],
  Array.from({ length: 70 }, (_, i) => (i === 33 ? 120 : (i * 53) % 120)),
);

export const productCases: readonly FusionCase[] = [
  {
    name: "windows are laid out once for all products that read them, transposed or not",
    operands: arrays([4, 20, 20], [25, 8], [1024, 8]),
    build: (b, [images, w, u]) => {
      const [x, again] = [windows(b, images!, 5, 1, 0), windows(b, images!, 5, 1, 0)];
      return [matmul(b, x, w!), matmul(b, transposed(b, again), x), matmul(b, transposed(b, x), u!)];
    },
    steps: ["operand", "product", "product", "product"],
  },
  {
    name: "windows at every other place, with an edge of zeros",
    operands: arrays([3, 21, 21], [9, 17], [363, 17]),
    build: (b, [images, w, u]) => {
      const x = windows(b, images!, 3, 2, 1);
      return [matmul(b, x, w!), matmul(b, transposed(b, x), u!)];
    },
    steps: ["operand", "product", "product"],
  },
  {
    name: "a square operand and its transpose are told apart",
    operands: arrays([38, 38], [40, 40]),
    build: (b, [x, y]) => {
      const p = pad(b, x!, [1, 2], [1, 0], [0, 0], 0.5);
      return [
        matmul(b, p, y!),
        matmul(b, transposed(b, p), y!),
        matmul(b, p, p),
        matmul(b, p, transposed(b, p)),
        matmul(b, transposed(b, p), p),
      ];
    },
    steps: ["operand", "product", "product", "product", "product", "product"],
  },
  {
    name: "rows that are picked by indices, as both operands",
    operands: [...arrays([120, 30], [30, 20], [70, 20]), picked],
    build: (b, [x, w, u, at]) => {
      const rows = gather(b, x!, at!, 0);
      return [matmul(b, rows, w!), matmul(b, transposed(b, rows), u!), matmul(b, rows, transposed(b, rows))];
    },
    steps: ["operand", "product", "product", "product"],
  },
  {
    name: "batches of a matrix and its transpose, laid out and as they lie",
    operands: arrays([3, 50, 35]),
    build: (b, [x]) => {
      const p = pad(b, x!, [0, 1, 0], [0, 0, 2], [0, 0, 0], 0.25);
      const axes = { contract: [[1], [1]], batch: [[0], [0]] } as const;
      return [dotGeneral(b, x!, x!, axes), dotGeneral(b, p, p, axes)];
    },
    steps: ["product", "operand", "product"],
  },
  {
    name: "matrices times their transposes, in many blocks",
    operands: arrays([150, 40], [20, 270]),
    build: (b, [x, y]) => [matmul(b, x!, transposed(b, x!)), matmul(b, transposed(b, y!), y!)],
    steps: ["product", "product"],
  },
];
