import { type INestApplicationContext, Injectable, Logger } from '@nestjs/common';
import { Database } from './database.js';
import { HealthRegistry } from './health.js';

/** What is still to be written when the last request was answered. Runs in reverse order of registration. */
@Injectable()
export class ShutdownDrains {
  private readonly logger = new Logger(ShutdownDrains.name);
  private readonly drains: { name: string; drain: () => Promise<void> }[] = [];

  /** `drain` resolves when its work is done; it may use the database. */
  register(name: string, drain: () => Promise<void>): void {
    this.drains.push({ name, drain });
  }

  async run(): Promise<void> {
    for (const { name, drain } of this.drains.toReversed()) {
      try {
        await drain();
      } catch (error) {
        this.logger.error(`${name} was not drained`);
        this.logger.error(error);
      }
    }
  }
}

/**
 * Makes `app.close()` end in order: listener and running requests, the hooks of all modules, drains, database. The
 * framework's own hooks cannot say "last": their order among global modules follows from who was imported first.
 *
 * @param begin called first
 */
export function closeInOrder(app: INestApplicationContext, begin: () => void = () => undefined): void {
  // The framework hands out a proxy that swallows assignments and looks methods up anew at each call; a definition goes
  // through to the application itself, which is `this` when it is called.
  const { close } = Object.getPrototypeOf(app) as INestApplicationContext;
  const closeAll = async function (this: INestApplicationContext): Promise<void> {
    begin();
    await close.call(this);
    await app.get(ShutdownDrains).run();
    await app.get(Database).close();
  };
  Object.defineProperty(app, 'close', { value: closeAll, configurable: true, writable: true });
}

/**
 * On SIGTERM or SIGINT: not ready any more, no new connections, running requests end, drains, the database last. Ends
 * the process after `seconds` whatever still runs; at once on a second signal.
 */
export function stopOnSignals(app: INestApplicationContext, seconds: number): void {
  const logger = new Logger('Shutdown');
  let isStopping = false;
  const stop = (signal: string): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.log(`${signal}: finishing what runs, ${seconds} s at most`);
    app.get(HealthRegistry).stop();
    setTimeout(() => {
      logger.error(`not finished after ${seconds} s; stopping all the same`);
      process.exit(1);
    }, seconds * 1000).unref();
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
