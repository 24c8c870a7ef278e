/** How much of a device's memory a script will take: what the runner does, statement by statement, without a device. */

import { sizeOf } from "../../compiler/core/array.ts";
import { concreteShape } from "../../compiler/core/graph.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import type { StatementLifetimes } from "../../compiler/program.ts";
import { flattenPlan } from "../../compiler/target/wgsl/flatten-plan.ts";
import { fastDevicePolicy, type ResidentPolicy } from "../../compiler/target/wgsl/policy.ts";
import { isWorthHolding } from "./device-arrays.ts";
import { type LayoutLimits, layOut } from "./layout.ts";
import { bufferBytes, keptStagingBytes, wordBytes } from "./transfers.ts";

/** What every device has at least (https://www.w3.org/TR/webgpu/#limits). */
const defaultLimits: LayoutLimits = {
  minUniformBufferOffsetAlignment: 256,
  maxUniformBufferBindingSize: 65_536,
  maxComputeWorkgroupsPerDimension: 65_535,
};

/** The most bytes that are taken at once, of a run that is the last one of its program. */
export function foreseeMemory(
  statements: readonly StatementLifetimes[],
  policy: ResidentPolicy = fastDevicePolicy,
  limits: LayoutLimits = defaultLimits,
): number {
  const held = new Map<number, number>();
  let arena = 0;
  let peak = 0;
  const bytesHeld = () => [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
  const note = (more: number) => {
    peak = Math.max(peak, bytesHeld() + arena + keptStagingBytes + more);
  };
  /** What is long is read through a buffer of its own. */
  const staging = (bytes: number) => (bytes > keptStagingBytes ? bytes : 0);
  for (const { graph, operands, results, shown, released } of statements) {
    const program = flattenPlan(
      buildPlan(graph, { precision: "f32", style: "invocations", products: policy.products }),
      policy,
    );
    const { tables, workgroups, uniforms } = layOut(limits, program);
    const own = (program.state.length + tables.length + workgroups.length) * wordBytes + uniforms.byteLength;
    operands.forEach(({ id, isReadOn }, i) => {
      const words = sizeOf(concreteShape(graph.inputs[i]!.type.shape));
      if (isReadOn && isWorthHolding(words)) held.set(id, words * wordBytes);
    });
    arena = Math.max(arena, program.dataWords * wordBytes);
    // What is read where it is, and comes from outside, is there for the run alone unless it is held.
    const lent = operands.reduce((sum, { id }, i) => {
      if (program.inputs[i] || held.has(id)) return sum;
      return sum + bufferBytes(sizeOf(concreteShape(graph.inputs[i]!.type.shape)));
    }, 0);
    const sizes = results.map(({ id, place }, i) => {
      const words = sizeOf(concreteShape(graph.outputs[i]!.type.shape));
      return { id, bytes: words * wordBytes, place: isWorthHolding(words) ? place : "here" };
    });
    const read = sizes.reduce((sum, { place, bytes }) => sum + (place === "there" ? 0 : bytes), 0);
    note(own + lent + staging(read));
    for (const { id, place, bytes } of sizes) if (place !== "here") held.set(id, bytes);
    note(own + lent);
    const here = new Set(sizes.filter((s) => s.place !== "there").map((s) => s.id));
    note(staging(shown.reduce((sum, id) => sum + (here.has(id) ? 0 : (held.get(id) ?? 0)), 0)));
    for (const id of released) held.delete(id);
  }
  return peak;
}
