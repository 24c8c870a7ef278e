/** What leaves its range is refused while the program runs: slices from the end, classes, ints of reals, values of params. */
import assert from "node:assert/strict";
import test from "node:test";
import { bind } from "../bind.ts";
import { compile } from "../compile.ts";
import { ndArray } from "../core/array.ts";
import { DiagnosticError } from "../syntax/diagnostic.ts";

function codeOf(text: string): string | undefined {
  const { program, diagnostics } = compile(text, { file: "t.opt" });
  if (!program) return diagnostics[0]?.code;
  try {
    bind(program, { data: {} }).run({ onEvent: () => {} });
    return undefined;
  } catch (error) {
    if (error instanceof DiagnosticError) return error.diagnostic.code;
    throw error;
  }
}

/** [program, code of the error that it ends with] */
const cases: readonly (readonly [string, string | undefined])[] = [
  ["let i = [-1][0]\nshow [1, 2, 3][i:i + 2]", "K0402"],
  ["let i = [-1][0]\nshow [1, 2, 3] with [i:i + 2] = [7, 8]", "K0402"],
  ["let i = [-1][0]\nshow [1, 2, 3][i:i + 4]", "K0402"],
  ["let i = [-2][0]\nshow [1, 2, 3][i:i + 2]", undefined],
  ["show [1, 2, 3][::-1]", "K0252"],
  ["show one_hot[3]([0, 3])", "K0401"],
  ["show one_hot[3]([0, -1])", "K0401"],
  ["show one_hot[3]([0, 2])", undefined],
  ["show int([inf])", "K1140"],
  ["show int([0.0] * inf)", "K1140"],
  ["show int([2147483648.0])", "K1140"],
  ["show int([-2147483648.0, 2147483647.0])", undefined],
  ["show int(3e9)", "K0289"],
  ["let n = 65536\nshow zeros[n * n]", "K1141"],
  ["let n = 65536\nshow n * n > 5", undefined],
  ["show 2 ^ 31", "K1142"],
  ["show 2 ^ 30", undefined],
  ["show (-2) ^ 31", undefined],
];

for (const [text, code] of cases)
  test(text.replaceAll("\n", "; "), () => {
    assert.equal(codeOf(`${text}\n`), code);
  });

test("a param takes values of its own shape only", () => {
  const { program } = compile("param w: real[2] = [1.0, 2.0]\nshow sum(w)\n", { file: "t.opt" });
  assert.ok(program);
  const given = (shape: readonly number[]) => ndArray("real", shape, new Array(shape[0]).fill(1));
  const code = (shape: readonly number[]): unknown => {
    try {
      bind(program, { data: {}, params: { w: given(shape) } });
      return undefined;
    } catch (error) {
      return (error as { diagnostics: readonly { code: string }[] }).diagnostics[0]!.code;
    }
  };
  assert.deepEqual([code([2]), code([3]), code([1])], [undefined, "K0717", "K0717"]);
});
