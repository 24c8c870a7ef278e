// What `browser-conformance.test.ts` does inside a page, with the bundle that users get.
import * as karush from "/karush.js";

/** Whether this page could share memory between threads. */
export const isIsolated = globalThis.crossOriginIsolated === true;

/**
 * Runs programs with one back end and gives what each shows: the arrays, tuples taken apart, as JSON can hold them.
 * Throws what the first failing one throws.
 */
export async function showAll(programs, settings) {
  const runtime = await karush.createRuntime(settings);
  const results = [];
  for (const { name, text } of programs) {
    console.log(name);
    const module = await runtime.load(karush.compileOrThrow(text, { file: name }));
    const shown = [];
    await module.run({
      onEvent: (event) => {
        if (event.kind !== "show") return;
        for (const item of event.items)
          if (item.kind === "value")
            for (const array of leaves(item.value)) shown.push({ expression: item.expression, ...writable(array) });
      },
    });
    results.push(shown);
  }
  runtime.dispose();
  return results;
}

function leaves(value) {
  return value.kind === "array" ? [value.array] : value.items.flatMap(leaves);
}

function writable({ dtype, shape, data }) {
  return { dtype, shape, data: Array.from(data, (x) => (Number.isFinite(x) ? x : String(x))) };
}
