import { Injectable, Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { describe, expect, it } from '@jest/globals';
import { Database } from './database.js';
import { closeInOrder, ShutdownDrains } from './shutdown.js';

const order: string[] = [];

@Injectable()
class Feature implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    order.push('hook');
  }
}

@Module({
  providers: [
    Feature,
    ShutdownDrains,
    { provide: Database, useValue: { close: async () => void order.push('database') } },
  ],
})
class Ground {}

describe('the end', () => {
  it('drains in reverse order, whatever one of them does, and closes the database last', async () => {
    const app = await NestFactory.createApplicationContext(Ground, { logger: false });
    closeInOrder(app);
    const drains = app.get(ShutdownDrains);
    drains.register('first', async () => void order.push('first'));
    drains.register('broken', () => Promise.reject(new Error('no')));
    drains.register('last', async () => void order.push('last'));
    await app.close();
    expect(order).toEqual(['hook', 'last', 'first', 'database']);
  });

  it('comes in the same order for an application that listens, which the framework hands out behind a proxy', async () => {
    order.length = 0;
    const app = await NestFactory.create(Ground, new FastifyAdapter(), { logger: false });
    closeInOrder(app, () => void order.push('begin'));
    await app.listen(0, '127.0.0.1');
    app.get(ShutdownDrains).register('only', async () => void order.push('only'));
    await app.close();
    expect(order).toEqual(['begin', 'hook', 'only', 'database']);
  });
});
