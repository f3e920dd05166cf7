import { Follow } from './follow.js';
import { Gate } from './gate.js';
import type { HttpClient } from './http-client.js';
import { ProcessWorld } from './process-world.js';
import type { ServiceProcess } from './start-process.js';

interface Running {
  service: ServiceProcess;
  http: HttpClient;
}

/** Two services as processes of their own, each on a database of its own: the second follows a connection of the first. */
export class FollowingWorld {
  private constructor(
    readonly primary: ProcessWorld,
    readonly secondary: ProcessWorld,
    /** Between the two. */
    readonly gate: Gate,
    private readonly running: { primary: Running; secondary: Running },
  ) {}

  static async build(): Promise<FollowingWorld> {
    const [primary, secondary] = [await ProcessWorld.build(), await ProcessWorld.build()];
    const running = { primary: await primary.start(), secondary: await secondary.start() };
    const gate = await Gate.start(running.primary.service.url);
    return new FollowingWorld(primary, secondary, gate, running);
  }

  get follow(): Follow {
    const side = (name: 'primary' | 'secondary') => ({
      http: this.running[name].http,
      connection: this[name].connection,
    });
    return new Follow({ ...side('primary'), url: this.gate.url }, side('secondary'));
  }

  /** The kill -9 of one side, and its start at the same address. */
  async killAndStart(side: 'primary' | 'secondary'): Promise<void> {
    const { service } = this.running[side];
    service.kill('SIGKILL');
    await service.ended;
    await this[side].expireHolds();
    this.running[side] = await this[side].start({ PORT: new URL(service.url).port });
  }

  async stop(): Promise<void> {
    await Promise.all([this.gate.stop(), this.primary.stop(), this.secondary.stop()]);
  }
}
