/** Tells the processor time since then, in milliseconds: that others keep the machine busy does not count. */
export function startProcessorClock(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}

/** The processor time that `work` takes, in milliseconds. */
export function processorMsOf(work: () => unknown): number {
  const spentMs = startProcessorClock();
  work();
  return spentMs();
}
