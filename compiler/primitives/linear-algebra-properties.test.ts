/** The linear-algebra primitives against numeric derivatives, their own transposes, and lanes taken one by one. */
import { test } from "node:test";
import { linearAlgebraCases } from "./linear-algebra.cases.ts";
import { checkPrimitive } from "./testing.ts";

for (const testCase of linearAlgebraCases) test(testCase.name, () => checkPrimitive(testCase));
