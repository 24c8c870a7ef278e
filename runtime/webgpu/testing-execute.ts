/** Runs kernels that are printed already, in Node or in a browser's page: for tests, no part of the runtime. */
import { type Device, openDevice } from "./device.ts";
import { DispatchList, submit } from "./dispatch.ts";
import { Memory } from "./memory.ts";

/** Plain data, so that it can be sent to a page. */
export interface PreparedRun {
  readonly label: string;
  readonly text: string;
  readonly entryPoint: string;
  readonly workgroupSize: number;
  readonly count: number;
  readonly places: readonly number[];
  /** The words of each arena before. */
  readonly memory: readonly (readonly number[])[];
}

/** The words of each arena after the run. */
export async function executeRun(device: Device, run: PreparedRun): Promise<Uint32Array<ArrayBuffer>[]> {
  const [pipeline] = await device.pipelines.compile([run], { arenas: run.memory.length });
  const lengths = run.memory.map((words) => words.length);
  const memory = await Memory.allocate(device, lengths);
  const list = await DispatchList.create(memory, [{ ...run, pipeline: pipeline! }]);
  try {
    for (const [arena, words] of run.memory.entries()) memory.write(arena, 0, Uint32Array.from(words));
    await submit(device, run.label, (encoder) => {
      const pass = encoder.beginComputePass();
      list.encode(pass);
      pass.end();
    });
    const everything = lengths.map((length, arena) => ({ arena, offset: 0, length }));
    return await memory.read(everything, run.label);
  } finally {
    memory.free();
    list.free();
  }
}

/** What a page does: all the runs, one after the other, on a device of its own. `progress` hears what comes next. */
export async function executeInPage(
  runs: readonly PreparedRun[],
  progress: (label: string) => void,
): Promise<{ readonly device: string; readonly results: number[][][] }> {
  const device = await openDevice();
  const results: number[][][] = [];
  for (const run of runs) {
    progress(run.label);
    results.push((await executeRun(device, run)).map((words) => [...words]));
  }
  device.close();
  return { device: device.name, results };
}
