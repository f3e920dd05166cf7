import type { EnvironmentContext, JestEnvironmentConfig } from '@jest/environment';
import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';
import { setTimeout } from 'node:timers/promises';

/** What Jest keeps on the global object for one test file. */
const PER_FILE = [
  'EVENT_HANDLERS',
  'TEST_TIMEOUT_SYMBOL',
  'RETRY_TIMES',
  'RETRY_IMMEDIATELY',
  'WAIT_BEFORE_RETRY',
  'LOG_ERRORS_BEFORE_RETRY',
].map((name) => Symbol.for(name));

/** A process that was told to end needs a moment to. */
const END_MS_MAX = 10_000;

/**
 * Runs test files in the realm of the worker itself, without a sandbox, and leaves it after each file as it was before,
 * whether or not the file tidied up: mocks, fake timers, the environment. What cannot be undone from here, a service or
 * a process that was left running, fails the file that left it.
 */
export class SharedModulesEnvironment {
  readonly global = globalThis;
  readonly fakeTimers = null;
  readonly fakeTimersModern: ModernFakeTimers;
  readonly moduleMocker = new ModuleMocker(globalThis);
  private readonly before = {
    console: globalThis.console,
    exit: process.exit,
    exitCode: process.exitCode,
    env: { ...process.env },
    running: findRunning(),
  };

  private readonly endMsMax: number;

  constructor({ projectConfig }: JestEnvironmentConfig, _context: EnvironmentContext) {
    this.endMsMax = Number(projectConfig.testEnvironmentOptions.endMsMax ?? END_MS_MAX);
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  exportConditions(): string[] {
    return ['node', 'node-addons'];
  }

  getVmContext(): null {
    return null;
  }

  async setup(): Promise<void> {}

  /** Jest tells of each step of a file. What is added to the errors at its end stands beside those of its tests. */
  async handleTestEvent({ name }: { name: string }, state: { unhandledErrors: unknown[] }): Promise<void> {
    if (name !== 'run_finish') return;
    this.fakeTimersModern.useRealTimers();
    await this.waitForEnds().catch((error: unknown) => state.unhandledErrors.push(error));
  }

  async teardown(): Promise<void> {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    globalThis.console = this.before.console;
    process.exit = this.before.exit;
    process.exitCode = this.before.exitCode;
    for (const name of Object.keys(process.env)) if (!(name in this.before.env)) delete process.env[name];
    Object.assign(process.env, this.before.env);
    for (const each of PER_FILE) Reflect.deleteProperty(globalThis, each);
  }

  private async waitForEnds(): Promise<void> {
    const deadline = Date.now() + this.endMsMax;
    while (findRunning().length > this.before.running.length) {
      if (Date.now() > deadline) throw new Error(`The file left running: ${findRunning().join(', ')}.`);
      await setTimeout(20);
    }
  }
}

function findRunning(): string[] {
  return process.getActiveResourcesInfo().filter((each) => each === 'TCPServerWrap' || each === 'ProcessWrap');
}

export { SharedModulesEnvironment as 'module.exports' };
