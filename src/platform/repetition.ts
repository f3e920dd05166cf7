import type { Logger } from '@nestjs/common';

export interface RepetitionOptions {
  /** From the end of one time to the beginning of the next. */
  everyMs: number;
  logger: Logger;
  /** What a time that failed is told as. */
  trouble: string;
}

/** Work that is done again and again, never twice at once; a time that fails is told, and does not end it. */
export class Repetition {
  private timer: NodeJS.Timeout | null = null;
  private working: Promise<void> = Promise.resolve();
  private isOver = false;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly options: RepetitionOptions,
  ) {}

  /** It was stopped: work that takes long ends where it can. */
  get stopping(): boolean {
    return this.isOver;
  }

  start(delayMs = this.options.everyMs): void {
    if (this.isOver) return;
    const { logger, trouble } = this.options;
    this.timer = setTimeout(() => {
      this.working = this.work()
        .catch((error: unknown) => logger.warn(`${trouble}: ${String(error)}`))
        .finally(() => this.start());
    }, delayMs).unref();
  }

  /** Does one of several pieces of a time: that it fails is told, and stops none of the others. */
  async attempt(piece: string, work: () => Promise<unknown>): Promise<void> {
    const { logger, trouble } = this.options;
    try {
      await work();
    } catch (error) {
      logger.warn(`${trouble} (${piece}): ${String(error)}`);
    }
  }

  /** Begins no more; settles when what is under way has ended. */
  async stop(): Promise<void> {
    this.isOver = true;
    if (this.timer) clearTimeout(this.timer);
    await this.working;
  }
}
