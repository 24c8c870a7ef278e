/** Writes values as `--json` shows them. */
import { jsonValue } from "../show/json.ts";
import type { DataWriter } from "./writers.ts";

export const jsonWriter: DataWriter = {
  extension: ".json",
  write: ({ value }) => new TextEncoder().encode(`${JSON.stringify(jsonValue(value))}\n`),
};
