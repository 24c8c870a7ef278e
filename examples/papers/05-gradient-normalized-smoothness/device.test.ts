/** Counts of iterations are those of the CPU at single precision. */
import { testOnDevice } from "../testing-device.ts";

await testOnDevice(import.meta.url, 0);
