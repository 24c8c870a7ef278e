/** Panels of matrix products: blocks of operands, copied so that they are read from beginning to end. */
import type { Precision } from "../../kernel/ir.ts";
import { assign, type Code, count, define, minus, plus, push, times, value } from "./assembly.ts";
import type { FunctionBuilder, ModuleBuilder } from "./encoder.ts";

/**
 * (from, to, items, depth, itemStep, depthStep), steps in bytes: panels of `width` items each, the elements of
 * the items of a panel next to each other for each place in the depth. Zeros stand for items that are missing.
 */
export function emitPack(module: ModuleBuilder, precision: Precision, size: 4 | 8, width: number): number {
  return module.addFunction(`matrixPack${width}.${precision}`, new Array<"i32">(6).fill("i32"), [], (f) => {
    const [from, to, items, depth, itemStep, depthStep] = [0, 1, 2, 3, 4, 5] as const;
    count(f, value(0), items, width, (first) => {
      const source = define(f, plus(from, times(first, itemStep)));
      push(f, ["i32.ge_s", minus(items, first), value(width)]);
      f.if(
        () => packWhole(f, precision, size, width, { source, to, depth, itemStep, depthStep }),
        () =>
          count(f, value(0), depth, 1, (k) => {
            const place = define(f, plus(source, times(k, depthStep)));
            count(f, value(0), value(width), 1, (i) => {
              f.get(to);
              push(f, ["i32.lt_s", plus(first, i), items]);
              f.if(
                () => {
                  f.get(place);
                  f.memory(`${precision}.load`);
                },
                () => f.constant(precision, 0),
                precision,
              );
              f.memory(`${precision}.store`);
              assign(f, place, plus(place, itemStep));
              assign(f, to, plus(to, value(size)));
            });
          }),
      );
    });
  });
}

interface PackLocals {
  readonly source: number;
  readonly to: number;
  readonly depth: number;
  readonly itemStep: number;
  readonly depthStep: number;
}

function packWhole(f: FunctionBuilder, precision: Precision, size: 4 | 8, width: number, locals: PackLocals): void {
  const { source, to, depth, itemStep, depthStep } = locals;
  const advance = (by: number) => {
    assign(f, source, plus(source, times(depthStep, value(by))));
    assign(f, to, plus(to, value(by * width * size)));
  };
  const forEachPlace = (from: Code, body: () => void) =>
    count(f, from, depth, 1, () => {
      body();
      advance(1);
    });
  push(f, ["i32.eq", itemStep, value(size)]);
  f.if(
    () =>
      forEachPlace(value(0), () => {
        for (let i = 0; i < width * size; i += 16) {
          f.get(to);
          f.get(source);
          f.memory("v128.load", i);
          f.memory("v128.store", i);
        }
      }),
    () => {
      const places = Array.from({ length: width }, (_, i) => define(f, times(itemStep, value(i))));
      const done = define(f, value(0));
      push(f, ["i32.eq", depthStep, value(size)]);
      f.if(() => {
        const lanes = 16 / size;
        const whole = define(f, ["i32.and", depth, value(-lanes)]);
        count(f, value(0), whole, lanes, () => {
          for (let first = 0; first < width; first += lanes)
            packTransposed(f, size, width, source, to, places.slice(first, first + lanes), first);
          advance(lanes);
        });
        assign(f, done, whole);
      });
      forEachPlace(done, () => {
        places.forEach((place, i) => {
          f.get(to);
          push(f, plus(source, place));
          f.memory(`${precision}.load`);
          f.memory(`${precision}.store`, i * size);
        });
      });
    },
  );
}

/** As many places of as many items as a vector has lanes, items that each lie side by side. */
function packTransposed(
  f: FunctionBuilder,
  size: 4 | 8,
  width: number,
  source: number,
  to: number,
  items: readonly number[],
  first: number,
): void {
  const vectors = items.map((place) => {
    const vector = f.local("v128");
    push(f, plus(source, place));
    f.memory("v128.load");
    f.set(vector);
    return vector;
  });
  /** Parts of so many bytes of two vectors, counted through both. */
  const joined = (x: number, y: number, bytes: number, picked: readonly number[]): number => {
    const vector = f.local("v128");
    f.get(x);
    f.get(y);
    f.shuffle(picked.flatMap((lane) => Array.from({ length: bytes }, (_, i) => lane * bytes + i)));
    f.set(vector);
    return vector;
  };
  const halves = (x: number, y: number) => [joined(x, y, 8, [0, 2]), joined(x, y, 8, [1, 3])];
  const [a, b, c, d] = vectors as [number, number, number, number];
  const columns =
    size === 8
      ? halves(a, b)
      : [
          ...halves(joined(a, b, 4, [0, 4, 1, 5]), joined(c, d, 4, [0, 4, 1, 5])),
          ...halves(joined(a, b, 4, [2, 6, 3, 7]), joined(c, d, 4, [2, 6, 3, 7])),
        ];
  columns.forEach((column, place) => {
    f.get(to);
    f.get(column);
    f.memory("v128.store", (place * width + first) * size);
  });
}
