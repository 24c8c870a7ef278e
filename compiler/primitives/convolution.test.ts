import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ndArray, sizeOf } from "../core/array.ts";
import { flexibleDimension, rigidDimension, showShape } from "../core/dimension.ts";
import { conv, samePadding } from "./convolution.ts";
import { maxPool, meanPool, patches, resize } from "./pooling.ts";
import { apply, applyVjp, assertClose, reals } from "./testing.ts";
import { fold, unfold, unfoldPrimitive, windowCount } from "./unfold.ts";
import { windowsArbitrary } from "./windows-and-samples.cases.ts";

const seed = 20240614;

test("conv agrees with the sum that defines it, for random strides, padding and groups", () => {
  const instances = fc
    .record({
      kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      padding: fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })), {
        minLength: 2,
        maxLength: 2,
      }),
      groups: fc.integer({ min: 1, max: 3 }),
      perGroup: fc.integer({ min: 1, max: 2 }),
      outputs: fc.integer({ min: 1, max: 2 }),
      n: fc.integer({ min: 0, max: 2 }),
      size: fc.tuple(fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 6 })),
    })
    .chain((o) => {
      const x = reals([o.n, o.groups * o.perGroup, ...o.size]);
      const w = reals([o.groups * o.outputs, o.perGroup, ...o.kernel]);
      return fc.tuple(fc.constant(o), x, w);
    });
  fc.assert(
    fc.property(instances, ([o, x, w]) => {
      const y = apply((b, [a, c]) => [conv(b, a!, c!, o)], [x, w])[0]!;
      const [oh, ow] = [0, 1].map(
        (i) => Math.floor((o.size[i]! + o.padding[i]![0] + o.padding[i]![1] - o.kernel[i]!) / o.stride[i]!) + 1,
      ) as [number, number];
      const channels = o.groups * o.outputs;
      assert.deepEqual(y.shape, [o.n, channels, oh, ow]);
      const [height, width] = o.size;
      const expected: number[] = [];
      for (let n = 0; n < o.n; n++)
        for (let out = 0; out < channels; out++)
          for (let i = 0; i < oh; i++)
            for (let j = 0; j < ow; j++) {
              let sum = 0;
              for (let c = 0; c < o.perGroup; c++)
                for (let ky = 0; ky < o.kernel[0]; ky++)
                  for (let kx = 0; kx < o.kernel[1]; kx++) {
                    const [r, s] = [i * o.stride[0] + ky - o.padding[0]![0], j * o.stride[1] + kx - o.padding[1]![0]];
                    if (r < 0 || r >= height || s < 0 || s >= width) continue;
                    const channel = Math.floor(out / o.outputs) * o.perGroup + c;
                    const place = ((n * o.groups * o.perGroup + channel) * height + r) * width + s;
                    sum += x.data[place]! * w.data[((out * o.perGroup + c) * o.kernel[0] + ky) * o.kernel[1] + kx]!;
                  }
              expected.push(sum);
            }
      assertClose("conv", y.data, expected, 1e-13);
    }),
    { seed, numRuns: 150 },
  );
});

test("conv over one axis, and padding that keeps the size", () => {
  const x = ndArray("real", [1, 1, 5], [1, 2, 3, 4, 5]);
  const w = ndArray("real", [1, 1, 3], [1, 10, 100]);
  const run = (stride: number) =>
    apply((b, [a, c]) => [conv(b, a!, c!, { stride: [stride], padding: samePadding([3]), groups: 1 })], [x, w])[0]!;
  assert.deepEqual(Array.from(run(1).data), [210, 321, 432, 543, 54]);
  assert.deepEqual(Array.from(run(2).data), [210, 432, 54]);
  assert.deepEqual(samePadding([4]), [[1, 2]]);
});

test("unfold and fold are adjoint", () => {
  const instances = windowsArbitrary.chain((windows) => {
    const size = windows.kernel.map((k) => k + 3);
    const count = size.map((n, i) => windowCount(n, windows, i) as number);
    const outer = [2];
    return fc.tuple(
      fc.constant({ windows, size }),
      reals([...outer, ...size]),
      reals([...outer, ...windows.kernel, ...count]),
    );
  });
  fc.assert(
    fc.property(instances, ([{ windows, size }, x, y]) => {
      const u = apply((b, [a]) => [unfold(b, a!, windows)], [x])[0]!;
      const f = apply((b, [a]) => [fold(b, a!, windows, size)], [y])[0]!;
      const dot = (s: ArrayLike<number>, t: ArrayLike<number>) =>
        Array.from(s).reduce((sum, v, i) => sum + v * t[i]!, 0);
      assertClose("<U x, y>", [dot(u.data, y.data)], [dot(x.data, f.data)], 1e-11);
    }),
    { seed, numRuns: 100 },
  );
});

test("unfold of symbolic sizes", () => {
  const windows = { kernel: [3, 3], stride: [1, 2], low: [1, 0], high: [1, 0], dilation: [1, 1] };
  const [type] = unfoldPrimitive.infer(
    [{ dtype: "real", shape: [rigidDimension("h"), flexibleDimension("w")] }],
    windows,
  );
  assert.equal(showShape(type!.shape), "[3, 3, h, div(w - 3, 2) + 1]");
});

test("pooling: values, ties to the first place, and cotangents", () => {
  const x = ndArray("real", [1, 4, 4], [1, 5, 2, 2, 5, 0, 2, 2, 0, 0, 7, 8, 0, 0, 9, 3]);
  const [largest, mean] = apply((b, [a]) => [maxPool(b, a!, [2, 2]), meanPool(b, a!, [2, 2])], [x]);
  assert.deepEqual(Array.from(largest!.data), [5, 2, 0, 9]);
  assert.deepEqual(Array.from(mean!.data), [2.75, 2, 0, 6.75]);
  const ct = ndArray("real", [1, 2, 2], [1, 2, 3, 4]);
  const [cotangent] = applyVjp((b, [a]) => [maxPool(b, a!, [2, 2])], [x], [true], [ct]);
  assert.deepEqual(Array.from(cotangent!.data), [0, 1, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 4, 0]);
});

test("patches lie where they were taken", () => {
  const x = ndArray(
    "real",
    [3, 4],
    Array.from({ length: 12 }, (_, i) => i),
  );
  const y = apply((b, [a]) => [patches(b, a!, [2, 3])], [x])[0]!;
  assert.deepEqual(y.shape, [2, 2, 2, 3]);
  assert.deepEqual(Array.from(y.data.slice(6, 12)), [1, 2, 3, 5, 6, 7]);
});

test("resize: half-pixel centres, constant at the edges, exact on constants", () => {
  const row = (values: number[], to: number) =>
    Array.from(apply((b, [a]) => [resize(b, a!, [1, to])], [ndArray("real", [1, values.length], values)])[0]!.data);
  assert.deepEqual(row([0, 1], 4), [0, 0.25, 0.75, 1]);
  assert.deepEqual(row([1, 2, 3, 4], 2), [1.5, 3.5]);
  assert.deepEqual(row([5, 7, 9], 3), [5, 7, 9]);
  assert.deepEqual(row([3], 3), [3, 3, 3]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (from, to) => {
      assertClose("ones", row(Array(from).fill(1), to), Array(to).fill(1), 1e-15);
    }),
    { seed },
  );
});

test("an empty batch has empty results", () => {
  const empty = ndArray("real", [0, 2, 4, 4], []);
  const w = ndArray("real", [3, 2, 2, 2], new Float64Array(24));
  const options = {
    stride: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    groups: 1,
  } as const;
  const y = apply((b, [a, c]) => [conv(b, a!, c!, options), maxPool(b, a!, [2, 2])], [empty, w]);
  assert.deepEqual(
    y.map((r) => [r.shape, sizeOf(r.shape)]),
    [
      [[0, 3, 3, 3], 0],
      [[0, 2, 2, 2], 0],
    ],
  );
});
