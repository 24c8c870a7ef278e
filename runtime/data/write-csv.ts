/** Writes tables: a vector is one column, a matrix several, a named tuple of vectors a column for each field. */
import type { ArrayValue } from "../../compiler/program.ts";
import { type Json, jsonValue } from "../show/json.ts";
import { userShape } from "../show/values.ts";
import { leavesOf } from "./leaves.ts";
import type { DataWriter, SaveRequest } from "./writers.ts";

export const csvWriter: DataWriter = {
  extension: ".csv",
  write(request) {
    const columns = leavesOf(request.value).flatMap(({ name, value }) => columnsOf(name, value, request));
    if (columns.length === 0) request.refuse("it has no columns");
    const rows = columns[0]!.cells.length;
    const odd = columns.find((column) => column.cells.length !== rows);
    if (odd)
      request.refuse(
        `${columns[0]!.name} has ${rows} rows and ${odd.name} has ${odd.cells.length}`,
        "Save arrays of different lengths to .json or .npz.",
      );
    const lines = [columns.map((column) => column.name).join(",")];
    for (let i = 0; i < rows; i++) lines.push(columns.map((column) => cellText(column.cells[i]!)).join(","));
    return new TextEncoder().encode(`${lines.join("\n")}\n`);
  },
};

interface Column {
  readonly name: string;
  readonly cells: readonly Json[];
}

/** Fields of plain tuples are numbered: in a header numbers would be taken for a row. */
function columnsOf(name: string, value: ArrayValue, request: SaveRequest): readonly Column[] {
  if (value.type === "key") request.refuse("a key is no number", "Save it to .json or .npz.");
  return namedColumns(/^\d/.test(name) ? `c${name}` : name, value, request);
}

function namedColumns(name: string, value: ArrayValue, request: SaveRequest): readonly Column[] {
  const shape = userShape(value);
  const all = jsonValue(value);
  if (shape.length === 0) return [{ name: name || "value", cells: [all] }];
  const rows = all as readonly Json[];
  if (shape.length === 1) return [{ name: name || "value", cells: rows }];
  if (shape.length > 2) request.refuse(`an array of ${shape.length} axes is no table`, "Save it to .npy or .json.");
  return Array.from({ length: shape[1]! }, (_, j) => ({
    name: name === "" ? `c${j}` : `${name}.${j}`,
    cells: rows.map((row) => (row as readonly Json[])[j]!),
  }));
}

/** Infinities and zeros as the reader takes them; names and statuses never need quotes. */
function cellText(cell: Json): string {
  if (Object.is(cell, -0)) return "-0";
  return cell === "Infinity" ? "inf" : cell === "-Infinity" ? "-inf" : String(cell);
}
