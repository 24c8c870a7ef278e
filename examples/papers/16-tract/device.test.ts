/** Unit values, and losses after seventy steps are those of the CPU at single precision. */
import { testOnDevice } from "../testing-device.ts";

await testOnDevice(import.meta.url, 1e-3);
