/**
 * Sorting, windows and random numbers against numeric derivatives, their own transposes, and lanes taken one
 * by one.
 */
import { test } from "node:test";
import { checkPrimitive } from "./testing.ts";
import { windowsAndSamplesCases } from "./windows-and-samples.cases.ts";

for (const testCase of windowsAndSamplesCases) test(testCase.name, () => checkPrimitive(testCase));
