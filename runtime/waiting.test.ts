/** Calls and derivatives that take long: what is heard of them meanwhile, and how a signal ends them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileOrThrow, createRuntime, type Module, RunError, type Runtime, type WaitOptions } from "./index.ts";
import { softwareDevice, withTimeLimit } from "./testing-adapter/testing.ts";

const device = await softwareDevice();

/** A solve that would go on for minutes, inside and beside functions. */
const slow = `solver crawl(iters: int = 10000000) minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - 1e-9 * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x)) + 1.0
}
fn nearest(c: real) = sum(argmin(w => sum((w - c) ^ 2), from = zeros[500], by = crawl()))
let far = nearest(7.0)
fn farther(c: real) = c + far
fn twice(c: real) = 2 * c
`;

const methods: Readonly<Record<string, (module: Module, options: WaitOptions) => Promise<unknown>>> = {
  call: (module, options) => module.call("nearest", { c: 3 }, options),
  "call of what needs a value of the script": (module, options) => module.call("farther", { c: 3 }, options),
  "call of a value of the script": (module, options) => module.call("far", {}, options),
  valueAndGradient: (module, options) => module.valueAndGradient("nearest", { c: 3 }, options),
  jvp: (module, options) => module.jvp("nearest", { c: 3 }, { c: 1 }, options),
  vjp: (module, options) => module.vjp("nearest", { c: 3 }, 1, ["c"], options),
  hvp: (module, options) => module.hvp("nearest", { c: 3 }, { c: 1 }, options),
};

const backends: Readonly<Record<string, () => Promise<Runtime>>> = {
  cpu: () => createRuntime({ backend: "cpu" }),
  webgpu: () => createRuntime({ device: device.gpu }),
  reference: () => createRuntime({ backend: "reference" }),
};

for (const [backend, open] of Object.entries(backends))
  test(`${backend}: a call is heard of while it runs, and ends when its signal says so`, async () => {
    using runtime = await open();
    const module = await runtime.load(compileOrThrow(slow, { file: "t.opt" }));
    for (const [name, method] of Object.entries(methods)) {
      // The software adapter takes some seconds to compile each of them, and they go the same way.
      if (backend === "webgpu" && !["call", "jvp"].includes(name)) continue;
      const controller = new AbortController();
      const heard: string[] = [];
      const stopped = method(module, {
        signal: controller.signal,
        onProgress: ({ expression, iteration }) => {
          assert.ok(iteration > 0, `${iteration}`);
          heard.push(expression);
          controller.abort();
        },
      });
      await assert.rejects(withTimeLimit(name, stopped), { name: "AbortError" }, name);
      const [expression, ...more] = heard;
      assert.match(expression ?? "nothing was heard", /^argmin\(w => sum\(/, name);
      assert.deepEqual(more, [], name);
    }
    assert.equal(await module.call("twice", { c: 21 }), 42);
  });

test("the caller's thread goes on meanwhile, so a timer can end a call", async () => {
  using runtime = await createRuntime({ backend: "cpu" });
  const module = await runtime.load(compileOrThrow(slow, { file: "t.opt" }));
  for (const [name, method] of Object.entries(methods)) {
    const controller = new AbortController();
    const mine = new RangeError("enough");
    setTimeout(() => controller.abort(mine), 50);
    const stopped = method(module, { signal: controller.signal });
    await assert.rejects(withTimeLimit(name, stopped), (error) => error === mine, name);
  }
  assert.equal(await module.call("twice", { c: 21 }), 42);
});

for (const [backend, open] of Object.entries(backends))
  test(`${backend}: nothing begins after an abort`, async () => {
    using runtime = await open();
    const module = await runtime.load(compileOrThrow(slow, { file: "t.opt" }));
    const onEvent = () => assert.fail("something happened");
    const options: WaitOptions = { signal: AbortSignal.abort(), onEvent, onProgress: onEvent };
    for (const [name, method] of Object.entries(methods))
      await assert.rejects(withTimeLimit(name, method(module, options)), { name: "AbortError" }, name);
    const mine = new RangeError("mine");
    const other = module.call("nearest", { c: 3 }, { signal: AbortSignal.abort(mine) });
    await assert.rejects(withTimeLimit("a call", other), (error) => error === mine);
  });

const short = `solver crawl() minimizes f {
  start(x) = (x: x)
  next(s, t) = (x: s.x - 1e-3 * grad(f)(s.x))
  error(s) = norm(grad(f)(s.x))
}
fn nearest(c: real) = minimize(w => (w - c) ^ 2, from = 0.0, by = crawl(iters = 3)).x
fn broken(c: real) = cholesky([[c, 0.0], [0.0, -1.0]])[0, 0]
`;

test("solves and warnings of a call are events; what a listener throws is its caller's own", async () => {
  using runtime = await createRuntime();
  const module = await runtime.load(compileOrThrow(short, { file: "t.opt" }));
  const events: string[] = [];
  await module.call("nearest", { c: 3 }, { onEvent: (event) => events.push(event.kind) });
  assert.deepEqual(events, ["solve", "warning"]);
  const mine = new RangeError("mine");
  const throwing = {
    onEvent: () => {
      throw mine;
    },
  };
  await assert.rejects(module.call("nearest", { c: 3 }, throwing), (error) => error === mine);
  await assert.rejects(
    module.call("broken", { c: 1 }, throwing),
    (error) => error instanceof RunError && error.diagnostics.length === 1,
  );
});

test("warnings of calls that nobody hears are printed, each once", async (t) => {
  const printed = t.mock.method(console, "warn", () => {});
  using runtime = await createRuntime();
  const module = await runtime.load(compileOrThrow(short, { file: "t.opt" }));
  for (let i = 0; i < 3; i++) await module.call("nearest", { c: i + 1 });
  await module.call("nearest", { c: 9 }, { onEvent: () => {} });
  assert.equal(printed.mock.callCount(), 1);
  assert.match(String(printed.mock.calls[0]?.arguments[0]), /K0413 at t\.opt:6:23/);
});
