/**
 * Makes Dawn find SwiftShader, so that WGSL runs where there is no graphics card. Dawn asks the system for
 * `libvulkan.so.1`, and that asks the environment which drivers there are.
 */
import { constants } from "node:os";
import path from "node:path";
import { driverDescriptionIn, swiftShaderFolder } from "./unpack.ts";

/** Never unloaded: glibc's RTLD_NODELETE, for which Node has no name. */
const keepLoaded = 0x1000;

/** Variables with which a process that is started finds the adapter. */
export function softwareAdapterEnvironment(): { readonly LD_LIBRARY_PATH: string; readonly VK_ICD_FILENAMES: string } {
  const folder = swiftShaderFolder();
  const before = process.env.LD_LIBRARY_PATH;
  return {
    LD_LIBRARY_PATH: before ? `${folder}:${before}` : folder,
    VK_ICD_FILENAMES: driverDescriptionIn(folder),
  };
}

/**
 * Makes this process find the adapter. The library path of a process is fixed when it starts, but a library that is
 * loaded already is found by its name: so the loader is loaded from its file. To be called on the main thread (the
 * environment of a worker is a copy), before any device is opened.
 */
export function useSoftwareAdapter(): void {
  const folder = swiftShaderFolder();
  process.env.VK_ICD_FILENAMES = driverDescriptionIn(folder);
  try {
    const flags = constants.dlopen.RTLD_NOW | keepLoaded;
    process.dlopen({ exports: {} }, path.join(folder, "libvulkan.so.1"), flags);
  } catch (error) {
    // Node complains that it is no add-on of Node's, after it has loaded it.
    if (!(error instanceof Error && /self-register/.test(error.message))) throw error;
  }
}
