/** Whatever the text, parsing ends, throws nothing, and points at places inside the text. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { format } from "./format.ts";
import { parse, parseExpression } from "./parse.ts";
import { fileTree } from "./testing-trees.ts";

// A fixed seed, printed by fast-check on failure; another one can be tried by hand.
fc.configureGlobal({ seed: Number(process.env.FUZZ_SEED ?? 20_240_613) });

/** Parses, and checks what must hold for every text. */
function survives(text: string): void {
  const { source, diagnostics } = parse(text, { file: "any.opt" });
  assert.ok(diagnostics.length <= 100);
  for (const { span, notes, message } of diagnostics) {
    for (const place of [span, ...notes.map((note) => note.span)]) {
      if (place === undefined) continue;
      assert.ok(
        place.start >= 0 && place.start <= place.end && place.end <= text.length,
        `${message} ${JSON.stringify(place)}`,
      );
    }
    assert.ok(message.length < 500, message);
  }
  if (diagnostics.length === 0) format(source);
  parseExpression(text, { file: "any.opt" });
}

const words = (
  "let if then else for in while loop scan with and or not true false data param fn type objective condition problem " +
  "solver property import show plot save assert var minimize maximize subject to from derivative pullback minimizes " +
  'solves all where within x f _ 1 0.5 1. .5 0x 1e " "s" ( ) [ ] { } , ; : . .. \' = += => -> == != < <= > >= ~= + - * ' +
  "/ @ ^ := ** && || ! === # \u00FC \u2264 // /* */ /// \n \n \r\n \\"
).split(/(?<! ) /);
const soup = fc.array(fc.constantFrom(...words, " "), { maxLength: 60 }).map((all) => all.join(" "));

describe("parse never throws", () => {
  it("on random words and signs", () => fc.assert(fc.property(soup, survives), { numRuns: 3000 }));

  it("on random characters", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 80 }), survives), { numRuns: 1000 });
    fc.assert(fc.property(fc.string({ maxLength: 80 }), survives), { numRuns: 1000 });
  });

  it("on programs with something deleted, doubled or put in", () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 6 }), fc.constantFrom("", ...words)), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(fileTree, edits, (file, all) => {
        let text = format(file);
        for (const [where, count, what] of all) {
          const at = where % (text.length + 1);
          text = text.slice(0, at) + what + text.slice(at + count);
        }
        survives(text);
      }),
      { numRuns: 1000 },
    );
  });

  it("on anything nested deeply", () => {
    const openings = [
      "(",
      "[",
      "{",
      "f(",
      "x[",
      "-",
      "not ",
      "x => ",
      "if a then ",
      "if a then b else ",
      "a^",
      "a + ",
      "a == ",
    ];
    const more = [
      "loop s = ",
      "loop s = 0 {",
      "{ let a = ",
      "x with [i] = ",
      "(x: ",
      "x'",
      "f()",
      "x.",
      "real -> ",
      "let (",
      "'",
    ];
    for (const opening of [...openings, ...more]) {
      for (const count of [99, 150, 1500, 30000]) survives(`let x = ${opening.repeat(count)}1`);
    }
    const closed: [string, string][] = [
      ["(", ")"],
      ["[", "]"],
      ["{", "}"],
      ["f(", ")"],
      ["{ let a = 1\n", "}"],
      ["(x: ", ")"],
    ];
    for (const [open, close] of closed) survives(`let x = ${open.repeat(20000)}1${close.repeat(20000)}`);
    survives(`let x: ${"(real, ".repeat(5000)}int${")".repeat(5000)} = 1`);
    survives(`let ${"(a, ".repeat(5000)}b${")".repeat(5000)} = 1`);
  });

  it("on very long lines and words", () => {
    const million = 1_000_000;
    for (const text of ["a".repeat(million), "1".repeat(million), `"${"a".repeat(million)}"`, " ".repeat(million)]) {
      survives(`let x = ${text}`);
    }
    survives(`let x = f(${"a, ".repeat(100_000)}a)`);
    survives(`/*${"* ".repeat(500_000)}*/`);
    survives("\u00FC#".repeat(20_000));
    survives("let x = 2 3\n".repeat(20_000));
  });

  it("on NUL bytes and lone surrogates", () => {
    survives("let x\0 = 1");
    survives("let x = \uD800");
    survives("\uDC00\uD800 \uD83D\uDE00");
  });

  it("near the end of JavaScript's stack", () => {
    const text = `let x = ${"(".repeat(90)}1${")".repeat(90)}`;
    const descend = (): void => {
      try {
        descend();
      } catch {
        // Only this close to the end may the parser itself run out; it must say so and not throw.
      }
    };
    descend();
    survives(text);
  });
});
