import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { Config } from './config.js';

/** What Nest says while it puts itself together. */
const FRAMEWORK = new Set(['InstanceLoader', 'NestFactory', 'RouterExplorer', 'RoutesResolver', 'NestApplication']);

/** One JSON object a line on standard output; on a person's terminal, one readable line. */
export function createLogger(config: Config, destination?: DestinationStream): Logger {
  const forPerson = config.NODE_ENV === 'development' && process.stdout.isTTY;
  return pino(
    {
      level: config.LOG_LEVEL,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    destination ??
      (forPerson ? { write: (line) => void process.stdout.write(toReadableLine(line)) } : pino.destination(1)),
  );
}

/**
 * Name, words, place and cause of an error, and nothing else of it: database drivers hang the statement and its
 * values on theirs, among which are hashes and personal data (G3).
 */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? { message: error } : { message: 'not an error' };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: withoutValues(error.message),
    ...(typeof code === 'string' ? { code } : {}),
    stack: error.stack
      ?.split('\n')
      .filter((line) => /^\s+at /.test(line))
      .slice(0, 12)
      .join('\n'),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}

/** MySQL's "Duplicate entry 'ada@example.com' for key 'users_name'" names a person. */
function withoutValues(message: string): string {
  return message.replace(/(entry|value:?) '(?:[^']|'(?! for | in ))*'/g, "$1 '…'");
}

/** Nest's own logger interface over the one logger. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    const context = contextOf(rest);
    this.write(context !== undefined && FRAMEWORK.has(context) ? 'debug' : 'info', message, context);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, contextOf(rest));
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, contextOf(rest));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, contextOf(rest));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, contextOf(rest));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, contextOf(rest));
  }

  private write(level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', message: unknown, context?: string) {
    if (message instanceof Error) this.logger[level]({ context, err: message }, message.message);
    else if (isFields(message)) {
      const { message: text, ...fields } = message;
      this.logger[level]({ context, ...fields }, String(text));
    } else this.logger[level]({ context }, withoutValues(String(message)));
  }
}

/** `{ message: 'ledger head', number: 7 }`: words, and what a program reads beside them. */
function isFields(message: unknown): message is Record<string, unknown> {
  return typeof message === 'object' && message !== null && 'message' in message;
}

function contextOf(rest: unknown[]): string | undefined {
  const last = rest.at(-1);
  return typeof last === 'string' ? last : undefined;
}

interface Line {
  level: string;
  time: string;
  msg?: string;
  context?: string;
  err?: { message?: string; stack?: string };
  method?: string;
  route?: string;
  status?: number;
  ms?: number;
}

/** `10:00:00 info  GET /users/:id 200 12ms`. */
export function toReadableLine(json: string): string {
  const line = JSON.parse(json) as Line;
  const what = line.method ? `${line.method} ${line.route} ${line.status} ${line.ms}ms` : (line.msg ?? '');
  const where = line.context ? `[${line.context}] ` : '';
  const trace = line.err?.stack ? `\n${line.err.stack}` : '';
  return `${line.time.slice(11, 19)} ${line.level.padEnd(5)} ${where}${what}${trace}\n`;
}
