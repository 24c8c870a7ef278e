/** Whole runs against a stand-in compiler: the order of what happens, and how each run ends. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { CheckError } from "../../compiler/core/evaluate.ts";
import type { BindOptions, RunOptions } from "../../compiler/program.ts";
import { DiagnosticError, errorAt } from "../../compiler/syntax/diagnostic.ts";
import { declare, temporaryFolder } from "../data/testing.ts";
import { jsonDocument } from "../show/document.ts";
import { Recorder } from "../show/record.ts";
import { renderReport } from "../show/report.ts";
import { performScript, type RunMessage, type RunRequest } from "./perform.ts";
import { ProgressMeter } from "./progress.ts";
import { type FakeProgram, fakeCompiler, realValue, span } from "./testing.ts";

interface Setting {
  readonly files?: Record<string, string>;
  readonly request?: Partial<RunRequest>;
  readonly interrupted?: () => boolean;
}

async function perform(t: TestContext, fake: FakeProgram, setting: Setting = {}) {
  const folder = temporaryFolder(t, { "t.opt": "let a = 1\n", ...setting.files });
  const messages: RunMessage[] = [];
  let clock = 0;
  const request: RunRequest = {
    backend: "reference",
    file: path.join(folder, "t.opt"),
    data: {},
    set: {},
    precision: "f64",
    seed: 0,
    allowRead: [],
    allowWrite: [],
    render: { color: false },
    ...setting.request,
  };
  await performScript(fakeCompiler(fake), request, {
    emit: (message) => messages.push(structuredClone(message)),
    now: () => clock++,
    isInterrupted: setting.interrupted ?? (() => false),
  });
  const last = messages.at(-1);
  assert.equal(last?.kind, "done");
  const code = last?.kind === "done" ? last.code : undefined;
  const codes = messages.flatMap((m) => (m.kind === "diagnostic" ? [m.diagnostic.code] : []));
  return { folder, messages, code, codes, kinds: messages.map((m) => m.kind) };
}

const show = (options: RunOptions, x: number) =>
  options.onEvent({ kind: "show", items: [{ kind: "value", expression: "x", value: realValue([], [x]) }], span });
const assertion = (options: RunOptions, passed: boolean, file = span.file) =>
  options.onEvent({ kind: "assert", expression: "x > 0", message: "x is positive", passed, span: { ...span, file } });

test("a run tells what happens in order, and ends with 0", async (t) => {
  const { kinds, code, folder, messages } = await perform(t, {
    run: (options) => {
      show(options, 1);
      assertion(options, true);
      options.onEvent({ kind: "save", expression: "x", path: "out.json", value: realValue([], [1]), span });
      const solve = {
        role: "solve" as const,
        expression: "minimize(f)",
        span,
        status: 1,
        iterations: 3,
        error: 1e-9,
        fatal: false,
        quiet: false,
        trial: false,
      };
      options.onEvent({ kind: "solve", solve, statusName: "converged" });
    },
  });
  assert.deepEqual(kinds, ["source", "diagnostic", "show", "assert", "save", "solve", "done"]);
  assert.equal(code, 0);
  assert.equal(readFileSync(path.join(folder, "out.json"), "utf8"), "1\n");
  const done = messages.at(-1);
  assert.ok(done?.kind === "done" && done.timings.run >= 1 && done.timings.check >= 1);
});

test("a failed assert stops the script, keeps what was shown, and ends with 1", async (t) => {
  const { code, codes, kinds } = await perform(t, {
    run: (options) => {
      show(options, 1);
      assertion(options, false);
      show(options, 2);
    },
  });
  assert.equal(code, 1);
  assert.deepEqual(codes, ["K0999", "K0340"]);
  assert.equal(kinds.filter((kind) => kind === "show").length, 1);
});

test("errors of the program end with 3, failures while running with 4", async (t) => {
  const wrong = await perform(t, {
    diagnostics: [errorAt("K0101", undefined, "wrong"), errorAt("K0102", undefined, "too")],
  });
  assert.deepEqual([wrong.code, wrong.codes], [3, ["K0101", "K0102"]]);
  const throwing = (error: unknown) =>
    perform(t, {
      run: () => {
        throw error;
      },
    });
  const failed = await throwing(new DiagnosticError(errorAt("K0501", span, "singular")));
  assert.deepEqual([failed.code, failed.codes], [4, ["K0999", "K0501"]]);
  const checked = await throwing(new CheckError({ code: "K0502", message: "m", help: "h", span }));
  assert.deepEqual([checked.code, checked.codes.at(-1)], [4, "K0502"]);
  const broken = await throwing(new TypeError("undefined is not a function"));
  assert.deepEqual([broken.code, broken.codes.at(-1)], [4, "K0342"]);
  const large = await perform(t, {
    run: () => {
      new Float64Array(2 ** 53);
    },
  });
  assert.deepEqual([large.code, large.codes.at(-1)], [4, "K0341"]);
});

test("all bad data files are reported at once, and end with 3", async (t) => {
  const data = [declare("none.csv"), { ...declare("x.txt"), name: "Y" }, { ...declare(undefined), name: "Z" }];
  const { code, codes } = await perform(t, { data });
  assert.deepEqual([code, codes], [3, ["K0301", "K0302", "K0318"]]);
});

test("missing files and bad paths are reported together with what else is wrong", async (t) => {
  const text = 'data X: real[n] from "none.csv"\ndata Y: real[n]\nsave 1 to "x.txt"\n';
  const wrong = { diagnostics: [errorAt("K0201", span, "wrong")] };
  const broken = await perform(t, wrong, { files: { "t.opt": text } });
  assert.deepEqual([broken.code, broken.codes], [3, ["K0201", "K0301", "K0302"]]);
  const override = { data: { X: "t.opt", Y: "elsewhere.csv" } };
  const overridden = await perform(t, wrong, { files: { "t.opt": text }, request: override });
  assert.deepEqual(overridden.codes, ["K0201", "K0302", "K0301", "K0302"]);
  const fine = await perform(t, { data: [declare("none.csv")] }, { files: { "t.opt": text } });
  assert.deepEqual([fine.code, fine.codes], [3, ["K0302", "K0301"]]);
});

test("data and params reach the program; names that are none are usage errors", async (t) => {
  let given: BindOptions | undefined;
  const fake: FakeProgram = {
    data: [declare("a.csv", { shape: ["n"] })],
    params: [
      { name: "penalty", span, type: "real", rank: 0 },
      { name: "sizes", span, type: "int", rank: 1 },
    ],
    run: (_, bindings) => {
      given = bindings;
    },
  };
  const files = { "a.csv": "a\n1\n2\n", "b.json": "[3]" };
  const request = { set: { penalty: "1e-3", sizes: "[1, 2]" }, seed: 7, precision: "f32" as const };
  assert.equal((await perform(t, fake, { files, request })).code, 0);
  assert.deepEqual([...given!.data.X!.data], [1, 2]);
  assert.deepEqual([given?.seed, given?.precision], [7, "f32"]);
  assert.deepEqual([...given!.params!.penalty!.data, ...given!.params!.sizes!.data], [1e-3, 1, 2]);

  const usage = async (more: Partial<RunRequest>) => {
    const { code, messages } = await perform(t, fake, { files, request: more });
    assert.equal(code, 2);
    const message = messages.find((m) => m.kind === "usage");
    return message?.kind === "usage" ? `${message.message} ${message.help ?? ""}` : "";
  };
  assert.match(await usage({ set: { penalti: "1" } }), /no param.*Did you mean penalty\?/);
  assert.match(await usage({ data: { y: "a.csv" } }), /no data/);
  for (const text of ["", "x", "0x10", "1,5", "nan", "[1]", "true"])
    assert.match(await usage({ set: { penalty: text } }), /--set penalty/, text);
  for (const text of ["1", "[1.5]", "[[1]]", "[1, [2]]", "[1", '["1"]', "[null]", "[4294967296]"])
    assert.match(await usage({ set: { sizes: text } }), /--set sizes/, text);
});

test("a path nobody can save to is found before anything runs", async (t) => {
  let ran = false;
  const { code, codes } = await perform(
    t,
    {
      run: () => {
        ran = true;
      },
    },
    { files: { "t.opt": 'save 1 to "x.txt"\n' } },
  );
  assert.deepEqual([code, codes, ran], [3, ["K0302"], false]);
});

test("an interrupt stops at the next tick and keeps what was shown", async (t) => {
  let ticks = 0;
  const { code, kinds } = await perform(
    t,
    {
      run: (options) => {
        show(options, 1);
        for (;;) options.onTick?.();
      },
    },
    { interrupted: () => ++ticks > 5 },
  );
  assert.equal(code, 130);
  assert.ok(kinds.includes("show"));
});

test("imports are read beside the script, and missing ones are found", async (t) => {
  const files = {
    "t.opt": 'import { f } from "./lib/a.opt"\nimport { g } from "std/roots"\n',
    "lib/a.opt": 'import { h } from "./b.opt"\n',
    "lib/b.opt": "fn h(x) = x\n",
  };
  assert.equal((await perform(t, {}, { files })).code, 0);
  const missing = await perform(t, {}, { files: { ...files, "t.opt": 'import { f } from "./lib/aa.opt"\n' } });
  assert.deepEqual([missing.code, missing.codes], [3, ["K0320"]]);
  const text = missing.messages.flatMap((m) => (m.kind === "diagnostic" ? [m.diagnostic.text] : [])).join();
  assert.match(text, /In that folder there is "a\.opt" and "b\.opt"/);
  assert.deepEqual((await perform(t, {}, { files: { "t.opt": 'import { f } from "../../etc/a.opt"\n' } })).codes, [
    "K0303",
  ]);
});

test("the document and the report hold all of it", async (t) => {
  const { messages } = await perform(t, {
    run: (options, _, file) => {
      options.onEvent({
        kind: "show",
        items: [
          { kind: "caption", text: "<b>result</b>" },
          { kind: "value", expression: "w", value: realValue([2], [1, Number.POSITIVE_INFINITY]) },
        ],
        span,
      });
      const series = [
        { label: "loss", values: { dtype: "real" as const, shape: [3], data: Float64Array.of(3, 2, 1) } },
      ];
      options.onEvent({
        kind: "plot",
        plot: { expression: "loss", title: "the loss", mark: "line", logarithmic: true, x: undefined, series },
        span,
      });
      assertion(options, false, file);
    },
  });
  const recorder = new Recorder();
  for (const message of messages) recorder.add(message);
  const record = recorder.finish({ file: "t.opt", backend: "reference", precision: "f64", code: 1 });
  const document = JSON.parse(JSON.stringify(jsonDocument(record)));
  assert.deepEqual(Object.keys(document), [
    "file",
    "backend",
    "precision",
    "shown",
    "asserts",
    "plots",
    "saved",
    "solves",
    "timings",
    "diagnostics",
  ]);
  assert.deepEqual(document.shown, [{ caption: "<b>result</b>", expr: "w", shape: [2], value: [1, "Infinity"] }]);
  assert.deepEqual(document.asserts, [{ expr: "x > 0", message: "x is positive", passed: false }]);
  assert.deepEqual(document.plots[0].series[0].values, [3, 2, 1]);
  assert.equal(document.diagnostics[1].code, "K0340");
  assert.equal(document.diagnostics[1].span.line, 1);

  const html = await renderReport(record);
  assert.match(html, /&lt;b&gt;result/);
  assert.match(html, /<svg/);
  assert.match(html, /An assertion failed/);
  assert.match(html, /let a = 1/);
  // Nothing is loaded, nothing runs: the only addresses are the names of XML's own vocabularies.
  assert.doesNotMatch(html, /<script|<link|<img|@import|url\(/);
  assert.deepEqual(
    [...new Set(html.match(/https?:\/\/[^"' ]+/g))].filter((url) => !url.startsWith("http://www.w3.org/")),
    [],
  );
});

test("progress is told after half a second, of the outermost solver, not too often", () => {
  let now = 0;
  const meter = new ProgressMeter(() => now);
  const tick = (expression: string, iteration: number) => meter.tick({ expression, iteration, value: 1, error: 1 });
  let told = 0;
  for (let i = 0; i < 100; i++) {
    now += 10;
    const outer = tick("outer", i);
    const inner = [tick("inner", 0), tick("inner", 1)];
    if (outer) {
      told++;
      assert.ok(now >= 510);
      assert.ok(Math.abs(outer.rate - 100) < 5);
    }
    assert.deepEqual(inner, [undefined, undefined]);
  }
  assert.ok(told >= 4 && told <= 6, String(told));
  meter.ended("outer");
  now += 600;
  assert.equal(tick("outer", 0), undefined);
});
