/** Plots as text are pinned; as graphics they are looked at for what must and must not be in them. */
import assert from "node:assert/strict";
import test from "node:test";
import { ndArray } from "../../compiler/core/array.ts";
import type { PlotSpecification } from "../../compiler/program.ts";
import { thinned } from "./plot-data.ts";
import { plotToSvg } from "./plot-svg.ts";
import { renderPlot } from "./plot-terminal.ts";

function plot(more: Partial<PlotSpecification>, ...series: (readonly number[])[]): PlotSpecification {
  return {
    expression: "y",
    title: "a title",
    mark: "line",
    logarithmic: false,
    x: undefined,
    series: series.map((values, i) => ({ label: `s${i}`, values: ndArray("real", [values.length], values) })),
    ...more,
  };
}
const plain = { color: false, width: 40 };

test("a line with its axes", () => {
  assert.equal(
    renderPlot(plot({}, [0, 1, 4, 9, 16]), plain),
    `a title
 16 ┤                                 ⢠⠊
    │                                ⡔⠁
    │                              ⢠⠊
    │                            ⢀⠔⠁
    │                           ⡠⠊
    │                         ⢀⠔⠁
  8 ┤                       ⢀⠔⠁
    │                     ⡠⠔⠁
    │                   ⡠⠊
    │                ⢀⡠⠊
    │             ⡠⠔⠊⠁
    │         ⣀⠤⠒⠉
  0 ┤⣀⡠⠤⠤⠔⠒⠒⠊⠉
    └───────────────────────────────────
     0                                 4`,
  );
});

test("several lines without colours are told apart by marks, with a legend", () => {
  const text = renderPlot(plot({ mark: "scatter" }, [0, 1], [1, 0]), plain);
  assert.match(text, /\*/);
  assert.match(text, /\* s0 {3}\+ s1/);
  assert.doesNotMatch(text, /[\u2800-\u28ff]/);
});

test("logarithmic axes and values that cannot be drawn", () => {
  const text = renderPlot(plot({ logarithmic: true }, [1e4, 100, 0, 1]), plain);
  assert.match(text, /10000 ┤/);
  assert.match(text, /100 ┤/);
  assert.match(text, /logarithmic; 1 value is not positive and left out/);
  assert.match(renderPlot(plot({}, [Number.NaN, 1, 2]), plain), /1 value is not finite and left out/);
  assert.match(renderPlot(plot({}, []), plain), /nothing to draw/);
  assert.match(renderPlot(plot({}, [Number.NaN]), plain), /nothing to draw: 1 value/);
});

test("constants, single points, long series and narrow windows", () => {
  for (const width of [10, 40, 200])
    for (const y of [[5], [0, 0, 0], Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 1e4))]) {
      const lines = renderPlot(plot({}, y), { color: false, width }).split("\n");
      assert.ok(lines.length >= 14);
      for (const line of lines.slice(1)) assert.ok(line.length <= Math.max(width, 30), line);
    }
});

test("heat maps are shaded, large ones averaged", () => {
  const heat = (rows: number, columns: number) =>
    plot({
      mark: "heat",
      series: [
        {
          label: "A",
          values: ndArray(
            "real",
            [rows, columns],
            Array.from({ length: rows * columns }, (_, i) => i),
          ),
        },
      ],
    });
  assert.equal(renderPlot(heat(2, 3), plain), "a title\n    ░░▒▒\n  ▓▓████\n  2 x 3    ░▒▓█   0 to 5");
  const large = renderPlot(heat(1000, 1000), plain).split("\n");
  assert.equal(large.length, 1 + 24 + 1);
  for (const line of large) assert.ok(line.length <= 40);
});

test("graphics stand alone and take the page's colour", async () => {
  const svg = await plotToSvg(plot({ logarithmic: true, title: "<b>loss & gain</b>" }, [100, 10, 1], [50, 5, 0]));
  assert.match(svg, /^<svg/);
  assert.match(svg, /currentColor/);
  assert.match(svg, /&lt;b&gt;loss &amp; gain/);
  assert.doesNotMatch(svg, /<script|<b>|href/);
  for (const mark of ["scatter", "heat"] as const) {
    const values = ndArray("real", [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.match(await plotToSvg(plot({ mark, series: [{ label: "A", values }] })), /^<svg/);
  }
  assert.match(await plotToSvg(plot({}, [])), /^<svg/);
});

test("thinning keeps spikes", () => {
  const y = Array.from({ length: 100_000 }, (_, i) => (i === 77_777 ? 5 : Math.sin(i)));
  const points = thinned({ label: "", x: y.map((_, i) => i), y }, 1000);
  assert.ok(points.y.length <= 1000);
  assert.equal(Math.max(...points.y), 5);
  assert.deepEqual(
    points.x,
    [...points.x].sort((a, b) => a - b),
  );
});
