/**
 * Plots as vector graphics, drawn by vega-lite. Import this file lazily: vega is large.
 * Lines of the frame take the colour of the text around them, so that a plot suits a light and a dark page.
 */
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { PlotSpecification } from "../../compiler/program.ts";
import { drawable, thinned } from "./plot-data.ts";

/** More points do not fit on the width anyhow, and each is a piece of the file. */
const mostPoints = 1500;
const mostHeatCells = 10_000;

export async function plotToSvg(plot: PlotSpecification): Promise<string> {
  const spec = plot.mark === "heat" ? heatSpec(plot) : pointsSpec(plot);
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

const frame = {
  width: 560,
  height: 280,
  background: "transparent",
  config: {
    view: { stroke: null },
    axis: {
      domainColor: "currentColor",
      tickColor: "currentColor",
      labelColor: "currentColor",
      titleColor: "currentColor",
      gridColor: "currentColor",
      gridOpacity: 0.12,
      labelOpacity: 0.8,
    },
    legend: { labelColor: "currentColor", titleColor: "currentColor" },
    title: { color: "currentColor", anchor: "start" as const },
    range: { category: ["#3b82c4", "#d9822b", "#3d9a5f", "#a65bb5", "#c4473b", "#7a7a3a"] },
  },
};

function titleOf(plot: PlotSpecification): string {
  return plot.title ?? plot.expression.replace(/\s+/g, " ");
}

function pointsSpec(plot: PlotSpecification): TopLevelSpec {
  const { series, leftOut } = drawable(plot);
  const rows = series.flatMap((s) => {
    const shown = plot.mark === "line" ? thinned(s, mostPoints) : s;
    return shown.x.map((x, i) => ({ x, y: shown.y[i]!, series: s.label, order: i }));
  });
  return {
    ...frame,
    title: {
      text: titleOf(plot),
      ...(leftOut === undefined ? {} : { subtitle: leftOut, subtitleColor: "currentColor" }),
    },
    data: { values: rows },
    mark: plot.mark === "line" ? { type: "line", strokeWidth: 1.8 } : { type: "point", filled: true, size: 24 },
    encoding: {
      x: { field: "x", type: "quantitative", title: null, scale: { zero: false } },
      y: {
        field: "y",
        type: "quantitative",
        title: null,
        scale: plot.logarithmic ? { type: "log" } : { zero: false },
      },
      // Points are joined as they come: sorted by x, a curve that turns back would be a scribble.
      ...(plot.mark === "line" ? { order: { field: "order", type: "quantitative" as const } } : {}),
      color: {
        field: "series",
        type: "nominal",
        sort: null,
        title: null,
        ...(series.length > 1 ? {} : { legend: null }),
      },
    },
  };
}

function heatSpec(plot: PlotSpecification): TopLevelSpec {
  const values = plot.series[0]?.values;
  const height = values === undefined || values.shape.length < 2 ? 1 : values.shape[0]!;
  const across = values === undefined || height === 0 ? 0 : values.data.length / height;
  // Every k-th row and column: all of a large matrix would make a file no browser opens.
  const step = Math.max(1, Math.ceil(Math.sqrt((height * across) / mostHeatCells)));
  const rows: { row: number; column: number; value: number }[] = [];
  for (let row = 0; row < height; row += step)
    for (let column = 0; column < across; column += step) {
      const value = values!.data[row * across + column]!;
      if (Number.isFinite(value) && (!plot.logarithmic || value > 0)) rows.push({ row, column, value });
    }
  return {
    ...frame,
    title: titleOf(plot),
    data: { values: rows },
    mark: "rect",
    encoding: {
      x: { field: "column", type: "ordinal", title: null, axis: { labelOverlap: true, labelAngle: 0 } },
      y: { field: "row", type: "ordinal", title: null, axis: { labelOverlap: true } },
      color: {
        field: "value",
        type: "quantitative",
        title: null,
        scale: { scheme: "viridis", ...(plot.logarithmic ? { type: "log" as const } : {}) },
      },
    },
  };
}
