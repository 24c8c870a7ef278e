/** Every primitive of this folder against numeric derivatives, its own transpose, and lanes taken one by one. */
import { test } from "node:test";
import { elementwiseCases } from "./elementwise.cases.ts";
import { reductionCases } from "./reduction.cases.ts";
import { structureCases } from "./structure.cases.ts";
import { checkPrimitive } from "./testing.ts";

for (const testCase of [...elementwiseCases, ...structureCases, ...reductionCases])
  test(testCase.name, () => checkPrimitive(testCase));
