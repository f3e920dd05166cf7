import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { describe, expect, it } from '@jest/globals';
import { Database } from './database.js';
import { ShutdownDrains } from './shutdown.js';

const order: string[] = [];

@Module({
  providers: [ShutdownDrains, { provide: Database, useValue: { close: async () => void order.push('database') } }],
})
class Ground {}

describe('the end', () => {
  it('drains in reverse order, whatever one of them does, and closes the database last', async () => {
    const app = await NestFactory.createApplicationContext(Ground, { logger: false });
    const drains = app.get(ShutdownDrains);
    drains.register('first', async () => void order.push('first'));
    drains.register('broken', () => Promise.reject(new Error('no')));
    drains.register('last', async () => void order.push('last'));
    await app.close();
    expect(order).toEqual(['last', 'first', 'database']);
  });
});
