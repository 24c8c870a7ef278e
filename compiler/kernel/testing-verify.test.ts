/** That the checks other tests rely on notice what they are for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { add, gt, int, kernelArray, load, loop, real } from "./expressions.ts";
import { interpretKernel } from "./interpret.ts";
import type { Expression, Kernel } from "./ir.ts";
import { Code } from "./statements.ts";
import { reversedKernel, verifyKernel } from "./testing-verify.ts";

const input = kernelArray("input", "real", 4, "read");
const output = kernelArray("output", "real", 4, "both");
const counts = kernelArray("counts", "int", 4, "write");

function kernel(build: (code: Code) => void): Kernel {
  const grid = loop("lane", 1, "independent", () => Code.write(build));
  return { name: "test", span: undefined, arrays: [input, output, counts], grid, description: "" };
}

const refused = (pattern: RegExp, build: (code: Code) => void) =>
  assert.throws(() => verifyKernel(kernel(build)), pattern);

test("a sum is a kernel as it should be", () => {
  verifyKernel(
    kernel((code) =>
      code.store(
        output,
        0,
        code.sum("sum", 4, (k) => load(input, k)),
      ),
    ),
  );
});

test("a local is not used outside the branch that declares it", () => {
  refused(/inner is not in scope/, (code) => {
    let inner: Expression = real(0);
    code.when(gt(load(input, int(1)), real(0)), () => {
      inner = code.let("inner", load(input, int(0)));
    });
    code.store(output, 0, inner);
  });
});

test("a loop whose order is free changes nothing outside but accumulators, by their operator", () => {
  refused(/total is changed in a loop whose order is free/, (code) => {
    const total = code.variable("total", real(0));
    code.independent("i", 4, (i) => code.assign(total, add(total, load(input, i))));
  });
  refused(/is not joined by its operator/, (code) => {
    const total = code.variable("total", real(0));
    code.reduction("i", 4, [{ local: total, operator: "mul" }], (i) => {
      code.assign(total, add(total, load(input, i)));
    });
  });
  refused(/the accumulator total is read/, (code) => {
    const total = code.variable("total", real(0));
    code.reduction("i", 4, [{ local: total, operator: "add" }], (i) => {
      code.store(output, i, total);
      code.assign(total, add(total, load(input, i)));
    });
  });
});

test("what is stored has the kind of the array, and inputs are not stored to", () => {
  refused(/stored to counts/, (code) => code.store(counts, 0, real(1)));
  refused(/store to input/, (code) => code.store(input, 0, real(1)));
});

test("running free loops backwards changes a result that depends on their order", () => {
  const running = kernel((code) => {
    code.independent("i", 3, (i) => code.store(output, add(i, int(1)), load(output, i)));
  });
  const run = (k: Kernel) => {
    const results = Float64Array.of(1, 2, 3, 4);
    interpretKernel(k, [new Float64Array(4), results, new Int32Array(4)], "f64");
    return Array.from(results);
  };
  assert.deepEqual(run(running), [1, 1, 1, 1]);
  assert.deepEqual(run(reversedKernel(running)), [1, 1, 2, 3]);
});
