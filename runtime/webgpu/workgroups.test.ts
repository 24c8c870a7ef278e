/** Bands of rows and tiles of products, on a device: an invocation for each, and a workgroup for each. */
import { after, test } from "node:test";
import { evaluationContext } from "../../compiler/core/evaluate.ts";
import { bandCases } from "../../compiler/kernel/testing-band-cases.ts";
import { assertSameOutcome, evaluated, outcomeOf } from "../../compiler/kernel/testing-plans.ts";
import { narrowed } from "../../compiler/kernel/testing-random-graphs.ts";
import { tileCases } from "../../compiler/kernel/testing-tile-cases.ts";
import { programTolerance } from "../../compiler/kernel/testing-tolerance.ts";
import { traceFunction } from "../../compiler/primitives/testing.ts";
import { fastDevicePolicy } from "../../compiler/target/wgsl/policy.ts";
import { softwareDevice, withTimeLimit } from "../testing-adapter/testing.ts";
import { WebGpuRunner } from "./executor.ts";

const device = await softwareDevice();
const alone = WebGpuRunner.create(device);
const inTeams = WebGpuRunner.create(device, { policy: fastDevicePolicy });
after(() => Promise.all([alone, inTeams].map((r) => r.close())));

for (const { name, operands, build } of [...bandCases, ...tileCases])
  test(name, async () => {
    const graph = traceFunction(build, operands);
    const given = narrowed(operands, "f32");
    const expected = outcomeOf(evaluated, graph, given, "f32");
    for (const [how, runner] of Object.entries({ alone, inTeams })) {
      const run = runner.run(graph, given, evaluationContext({ precision: "f32" }));
      const results = await withTimeLimit(`${name}, ${how}`, run);
      assertSameOutcome(how, { results, failure: undefined, solves: [] }, expected, programTolerance.f32);
    }
  });
