import { setFlagsFromString } from 'node:v8';

/**
 * V8 weighs garbage against work by itself, and on a machine with memory to spare lets a process of 180 MiB grow to
 * 600 before it collects (decision 029). The old generation grows by half of what is alive; the young one stays as
 * large as the start has made it; pages that are emptied go back to the system.
 */
export const HEAP_FLAGS = ['--heap-growing-percent=50', '--semi-space-growth-factor=1', '--decommit-pooled-pages'];

/** Call it once all modules are loaded: the young generation has then grown to what logins like. */
export function boundHeapGrowth(): void {
  // V8 reads them at each collection; they need not stand on the command line of whoever starts the process.
  HEAP_FLAGS.forEach((flag) => setFlagsFromString(flag));
}
