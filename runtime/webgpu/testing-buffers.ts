/** Counts the bytes of a device's buffers: for tests, no part of the runtime. */
export interface BufferBytes {
  /** Made and not destroyed. */
  used: number;
  /** The most there were since somebody set this. */
  peak: number;
}

/** From now on, those of buffers that are made from now on. */
export function countBuffers(gpu: GPUDevice): BufferBytes {
  const bytes: BufferBytes = { used: 0, peak: 0 };
  const createBuffer = gpu.createBuffer.bind(gpu);
  gpu.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    bytes.used += descriptor.size;
    bytes.peak = Math.max(bytes.peak, bytes.used);
    const destroy = buffer.destroy.bind(buffer);
    let isThere = true;
    buffer.destroy = () => {
      if (isThere) bytes.used -= descriptor.size;
      isThere = false;
      return destroy();
    };
    return buffer;
  };
  return bytes;
}
