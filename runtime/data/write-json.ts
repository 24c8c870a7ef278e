/** Writes values as `--json` shows them. */
import { type Json, jsonValue } from "../show/json.ts";
import type { DataWriter } from "./writers.ts";

export const jsonWriter: DataWriter = {
  extension: ".json",
  write: ({ value }) => new TextEncoder().encode(`${textOf(jsonValue(value))}\n`),
};

/** What `JSON.stringify` writes, but for -0, which it writes as 0. */
function textOf(value: Json): string {
  if (Object.is(value, -0)) return "-0";
  if (Array.isArray(value)) return `[${value.map(textOf).join(",")}]`;
  if (typeof value === "object" && value !== null)
    return `{${Object.entries(value)
      .map(([name, item]) => `${JSON.stringify(name)}:${textOf(item)}`)
      .join(",")}}`;
  return JSON.stringify(value);
}
