/** How much a command may take: memory and time, as they are written on the command line. */
import { totalmem } from "node:os";
import { InvalidArgumentError, Option } from "commander";
import { mostAddressableBytes } from "../cpu/memory-limit.ts";

/** A part of the machine's memory: what else runs there needs some, too. */
const defaultShare = 0.75;

const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** `512MiB`, `2G`, `1.5gb` or a number of bytes, as bytes; units are powers of 1024. Throws InvalidArgumentError. */
export function parseSize(text: string): number {
  const parts = /^(\d+\.?\d*|\.\d+)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = parts ? Math.floor(Number(parts[1]) * unitBytes[parts[2]!.toLowerCase()]!) : 0;
  if (bytes < 1) throw new InvalidArgumentError("It is a size such as 512MiB or 2GiB.");
  return bytes;
}

/** Longer timers do not fit Node's 32 bits; it is 24 days. */
const longestSeconds = Math.floor((2 ** 31 - 1) / 1000);

/** A number of seconds above zero. Throws InvalidArgumentError. */
export function parseSeconds(text: string): number {
  const seconds = /^(\d+\.?\d*|\.\d+)s?$/.test(text.trim()) ? Number.parseFloat(text) : 0;
  if (!(seconds > 0 && seconds <= longestSeconds))
    throw new InvalidArgumentError(`It is a number of seconds, up to ${longestSeconds}.`);
  return seconds;
}

export function maxMemoryOption(): Option {
  return new Option(
    "--max-memory <size>",
    "the most memory arrays may take on the CPU, such as 512MiB; three quarters of the machine's, up to 4GiB, when left out",
  ).argParser(parseSize);
}

/** The most memory when nobody says, in bytes. */
export function defaultMaxMemory(): number {
  return Math.min(mostAddressableBytes, Math.floor(defaultShare * totalmem()));
}

export function timeoutOption(): Option {
  return new Option("--timeout <seconds>", "stop after so long, with status 4").argParser(parseSeconds);
}
