import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { AppModule } from '../../src/app.module.js';
import { Clock } from '../../src/platform/clock.js';
import { readConfig } from '../../src/platform/config.js';
import { Database } from '../../src/platform/database.js';
import { createHttpApp } from '../../src/platform/http-app.js';
import { createDocument } from '../../src/platform/openapi.js';
import { newId } from '../../src/platform/ids.js';
import { openDatabase } from '../../src/platform/open-database.js';
import { ApiKeyEntity } from '../../src/records/api-keys/api-key.entity.js';
import { createKey } from '../../src/records/api-keys/key-format.js';
import { shape } from '../../src/tables.js';
import { createScratchDatabase } from './databases.js';
import { checkAnswersOf, HttpClient } from './http-client.js';
import { OpenApiValidator } from './openapi-validator.js';

/** A Rollcall of its own for one test file: real HTTP on a free port, a real and empty database. */
export interface TestApp {
  url: string;
  app: NestFastifyApplication;
  database: Database;
  /** A client without a credential. */
  http: HttpClient;
  /** A client whose API key has these permissions in the tenant (written straight into the database). */
  clientWith(tenantId: string, permissions: readonly string[], connectionId?: string): Promise<HttpClient>;
  stop(): Promise<void>;
}

/** Every Rollcall has the same routes: what they answer with is put together once. */
let validator: OpenApiValidator | null = null;

export async function startApp(settings: Record<string, string> = {}): Promise<TestApp> {
  const scratch = await createScratchDatabase();
  const config = readConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: 'error',
    PORT: '0',
    ALLOW_LOOPBACK_HTTP: 'true',
    OUTBOUND_ALLOW: '127.0.0.0/8',
    ...scratch.env,
    ...settings,
  });
  const database = await openDatabase(config, shape);
  await database.migrate();
  const app = await createHttpApp(AppModule.with(config, database), config);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const uncheck = checkAnswersOf(url, (answer) => {
    validator ??= new OpenApiValidator(createDocument(app, config));
    const faults = validator.findFaults(answer);
    if (faults.length > 0) throw new Error(`The answer is not as documented:\n${faults.join('\n')}`);
  });
  return {
    url,
    app,
    database,
    http: new HttpClient(url),
    clientWith: async (tenantId, permissions, connectionId) => {
      const { key, keyId, secretHash } = createKey();
      await database.transaction((tx) =>
        tx.insert(ApiKeyEntity, {
          id: newId(),
          tenantId,
          keyId,
          secretHash,
          name: 'test',
          scopes: [...permissions],
          connectionId: connectionId ?? null,
          expiresAt: null,
          revokedAt: null,
          lastUsedAt: null,
          operatorOf: null,
          createdBy: newId(),
          createdAt: app.get(Clock).now(),
        }),
      );
      return new HttpClient(url, key);
    },
    stop: async () => {
      await app.close();
      uncheck();
      await scratch.drop();
    },
  };
}
