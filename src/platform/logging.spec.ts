import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.js';
import { createLogger, NestLogger, toReadableLine } from './logging.js';

function logged(write: (logger: NestLogger) => void): Record<string, unknown>[] {
  const lines: string[] = [];
  const logger = createLogger(readConfig({ NODE_ENV: 'production', ...SAFE }), { write: (line) => lines.push(line) });
  write(new NestLogger(logger));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const SAFE = { ROLLCALL_SECRET: 'kY3o7GmUe1Zt9RrQ5xWvB2nH8sLdC4fA', PUBLIC_URL: 'https://rollcall.example' };

describe('the log', () => {
  it('is one JSON object a line, with level, time and context', () => {
    const [line] = logged((logger) => logger.warn('careful', 'Somewhere'));
    expect(line).toEqual({ level: 'warn', time: expect.any(String), context: 'Somewhere', msg: 'careful' });
  });

  it('shows the fields that stand beside a message, so that signed heads of ledgers can be kept', () => {
    const [line] = logged((logger) => logger.log({ message: 'ledger head', number: 7, signature: 'x' }, 'Checkpoints'));
    expect(line).toMatchObject({ msg: 'ledger head', context: 'Checkpoints', number: 7, signature: 'x' });
  });

  it('G3 keeps the value out of a duplicate that is told in words', () => {
    const error = new Error("Duplicate entry 'ada@example.com-x' for key 'users_email'");
    const [line] = logged((logger) => logger.warn(`not written: ${String(error)}`));
    expect(line?.msg).toBe("not written: Error: Duplicate entry '…' for key 'users_email'");
  });

  it("keeps the framework's own start out of the usual level", () => {
    expect(logged((logger) => logger.log('Mapped {/x, GET} route', 'RouterExplorer'))).toEqual([]);
  });

  it('G3 keeps the statement and the values that a driver hangs on its errors out', () => {
    const cause = Object.assign(new Error("Duplicate entry 'ada@example.com-x' for key 'users_email'"), {
      code: 'ER_DUP_ENTRY',
      sql: "INSERT INTO users VALUES ('s3cret-hash')",
      parameters: ['s3cret-hash'],
    });
    const [line] = logged((logger) => logger.error(new Error('could not be written', { cause })));
    expect(line).toMatchObject({ err: { message: 'could not be written', cause: { code: 'ER_DUP_ENTRY' } } });
    expect(JSON.stringify(line)).not.toMatch(/s3cret-hash|ada@example/);
  });

  it('is readable on a terminal', () => {
    const line = {
      level: 'info',
      time: '2026-11-21T10:00:00.000Z',
      method: 'GET',
      route: '/users/:id',
      status: 200,
      ms: 3,
    };
    expect(toReadableLine(JSON.stringify(line))).toBe('10:00:00 info  GET /users/:id 200 3ms\n');
  });
});
