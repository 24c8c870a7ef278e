/** Which device a script runs on. What opens devices is loaded when there is one to open. */
import { type AdapterDiscovery, findHardware, messageOf, NoDeviceError } from "../webgpu/adapter.ts";
import type { OpenOptions } from "../webgpu/device.ts";
import type { OpenedRunner } from "../webgpu/open-runner.ts";
import type { AskedBackend } from "./options.ts";

export interface ChooseOptions extends Pick<OpenOptions, "listener"> {
  /** Hears which of several it is, for people. */
  readonly tell: (text: string) => void;
  /** Where adapters are looked for, if not on this machine. */
  readonly discovery?: AdapterDiscovery;
}

/**
 * The device to run on; undefined for the CPU. `auto` takes a GPU where there is one, with the CPU behind it. Throws
 * NoDeviceError when a device was asked for and there is none.
 */
export async function chooseDevice(
  asked: AskedBackend,
  { tell, listener, discovery }: ChooseOptions,
): Promise<OpenedRunner | undefined> {
  if (asked === "cpu" || asked === "reference") return undefined;
  if (asked !== "auto") {
    if (asked === "webgpu:software") await useSoftwareAdapter();
    const { openRunner } = await import("../webgpu/open-runner.ts");
    return openRunner(undefined, { listener });
  }
  const found = await findHardware(discovery);
  if ("why" in found) {
    // Where there is nothing to choose from, nobody wants to know.
    if (found.adapterName !== undefined) tell(`Running on the CPU: ${found.why}.`);
    return undefined;
  }
  const { openRunner, withFallback } = await import("../webgpu/open-runner.ts");
  try {
    const opened = withFallback(await openRunner(undefined, { listener, adapter: found.adapter }));
    tell(`Running on ${opened.name}, in f32. With --backend cpu it runs on the CPU, in f64.`);
    return opened;
  } catch (error) {
    if (!(error instanceof NoDeviceError)) throw error;
    tell(`Running on the CPU: ${error.message}`);
    return undefined;
  }
}

/** The adapter of the tests comes with packages that only developers install. */
async function useSoftwareAdapter(): Promise<void> {
  try {
    const { useSoftwareAdapter: use } = await import("../testing-adapter/software-adapter.ts");
    use();
  } catch (error) {
    throw new NoDeviceError(
      `The software adapter is not installed: it comes with the package @sparticuz/chromium, on Linux x64 (${messageOf(error)}).`,
    );
  }
}
