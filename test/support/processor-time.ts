/** The processor time that `work` takes, in milliseconds: that others keep the machine busy does not count. */
export function processorMsOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
