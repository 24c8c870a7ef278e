/** Time limits for tests that use a device, which may hang. */
import { after } from "node:test";
import { type Device, openDevice } from "../webgpu/device.ts";
import { useSoftwareAdapter } from "./software-adapter.ts";

const limitMilliseconds = 60_000;
let somethingHung = false;

/** The result, or an error that says what hung. */
export async function withTimeLimit<T>(what: string, result: Promise<T>, limit = limitMilliseconds): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      somethingHung = true;
      reject(new Error(`${what} hung: no result after ${limit / 1000} s`));
    }, limit);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A device on the software adapter, closed when the file's tests are over. Closing waits for what runs, so a process
 * in which something hung is killed instead.
 */
export async function softwareDevice(): Promise<Device> {
  useSoftwareAdapter();
  const device = await withTimeLimit("opening a device", openDevice());
  after(async () => {
    if (!somethingHung) return device.close();
    await new Promise((resolve) => setTimeout(resolve, 500)); // for what is still to be printed
    process.kill(process.pid, "SIGKILL");
  });
  return device;
}
