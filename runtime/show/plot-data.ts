/** What both kinds of plots draw: points that can be drawn, and how many could not. */
import type { PlotSpecification } from "../../compiler/program.ts";

export interface PlotPoints {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface DrawablePlot {
  readonly series: readonly PlotPoints[];
  /** Why values were left out, for people; undefined when none were. */
  readonly leftOut: string | undefined;
}

/** Drops what has no place on the axes: values that are not finite and, on a logarithmic axis, not positive. */
export function drawable(plot: PlotSpecification): DrawablePlot {
  let dropped = 0;
  const series = plot.series.map(({ label, values }) => {
    const x: number[] = [];
    const y: number[] = [];
    for (let i = 0; i < values.data.length; i++) {
      const at = plot.x ? (plot.x.data[i] ?? Number.NaN) : i;
      const value = values.data[i]!;
      if (Number.isFinite(at) && Number.isFinite(value) && (!plot.logarithmic || value > 0)) {
        x.push(at);
        y.push(value);
      } else dropped++;
    }
    return { label, x, y };
  });
  const reason = plot.logarithmic ? "not positive" : "not finite";
  const leftOut =
    dropped === 0 ? undefined : `${dropped} ${dropped === 1 ? "value is" : "values are"} ${reason} and left out`;
  return { series, leftOut };
}

/** The least and the greatest of some numbers, spread a little when they are one. */
export function extent(lists: readonly (readonly number[])[]): readonly [number, number] | undefined {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const list of lists)
    for (const value of list) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  if (low > high) return undefined;
  if (low < high) return [low, high];
  const room = low === 0 ? 1 : Math.abs(low) / 2;
  return [low - room, high + room];
}

/**
 * At most about `most` points, keeping the least and the greatest of each stretch, so that a spike stays
 * a spike. Lines only: the order of the points matters.
 */
export function thinned(points: PlotPoints, most: number): PlotPoints {
  const n = points.y.length;
  if (n <= most) return points;
  const keep: number[] = [];
  const buckets = Math.floor(most / 2);
  for (let b = 0; b < buckets; b++) {
    const from = Math.floor((b * n) / buckets);
    const to = Math.floor(((b + 1) * n) / buckets);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (points.y[i]! < points.y[low]!) low = i;
      if (points.y[i]! > points.y[high]!) high = i;
    }
    keep.push(Math.min(low, high));
    if (low !== high) keep.push(Math.max(low, high));
  }
  return { label: points.label, x: keep.map((i) => points.x[i]!), y: keep.map((i) => points.y[i]!) };
}
