/** Tells a profiler what a device spends its time on. */
import type { Graph } from "../../compiler/core/graph.ts";
import { buildPlan } from "../../compiler/kernel/build.ts";
import type { GraphRunner } from "../../compiler/program.ts";
import { policyFor, type ResidentPolicy } from "../../compiler/target/wgsl/policy.ts";
import { accountOf, type Profiler, type StatementMeter } from "../profile/profiler.ts";
import type { DispatchListener } from "./timed-device.ts";

/** What runs now, and how its kernels are called: by the labels of their pipelines. */
interface Current {
  readonly meter: StatementMeter;
  readonly accounts: ReadonlyMap<string, ReturnType<StatementMeter["account"]>>;
}

/** Between a device, which it listens to, and the profiler. Graphs must run one after the other. */
export class DeviceProfile implements DispatchListener {
  readonly #profiler: Profiler;
  readonly #now: () => number;
  readonly #known = new WeakMap<Graph, Current>();
  #current: Current | undefined;
  /** How the device computes products: kernels have the names of what they do. */
  #products: ResidentPolicy["products"] = "tiles";

  constructor(profiler: Profiler, now: () => number) {
    this.#profiler = profiler;
    this.#now = now;
  }

  onSubmit() {
    const current = this.#current;
    return {
      onDispatch: (label: string, nanoseconds: number) => {
        if (!current) return;
        const account = current.accounts.get(label) ?? current.meter.account(label, undefined, undefined);
        account.runs += 1;
        account.milliseconds += nanoseconds / 1e6;
      },
    };
  }

  expect(measurement: Promise<void>): void {
    this.#profiler.expect(measurement);
  }

  /** The same runner, with its statements timed. */
  timed(
    runner: GraphRunner,
    { timesDispatches, isSoftware }: { readonly timesDispatches: boolean; readonly isSoftware: boolean },
  ): GraphRunner {
    this.#profiler.clock = timesDispatches ? "device" : "submissions";
    this.#products = policyFor({ isSoftware }).products;
    return {
      ...(runner.outlivesDevice ? { outlivesDevice: true } : {}),
      hold: (array) => runner.hold?.(array) ?? array,
      run: async (graph, inputs, context, options) => {
        const meter = this.#profiler.statement(options.span);
        const current = this.#know(graph, meter);
        const begun = this.#now();
        this.#current = current;
        try {
          return await runner.run(graph, inputs, context, options);
        } finally {
          this.#current = undefined;
          meter.milliseconds += this.#now() - begun;
        }
      },
    };
  }

  #know(graph: Graph, meter: StatementMeter): Current {
    let known = this.#known.get(graph);
    if (!known) {
      const plan = buildPlan(graph, { precision: "f32", style: "invocations", products: this.#products });
      const launches = plan.functions.flatMap((f) => f.steps.filter((s) => s.kind === "launch"));
      const names = new Map(launches.map((step) => [step.kernel.name, step]));
      const accounts = new Map([...names].map(([label, step]) => [label, accountOf(meter, plan, step)]));
      known = { meter, accounts };
      this.#known.set(graph, known);
    }
    return known;
  }
}
