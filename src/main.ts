import { AppModule } from './app.module.js';
import { ConfigError, readConfig } from './platform/config.js';
import { lockDataFolder } from './platform/data-folder.js';
import { boundHeapGrowth } from './platform/heap-growth.js';
import { createHttpApp } from './platform/http-app.js';
import { createLogger } from './platform/logging.js';
import { openDatabase, SERVER_WAIT_MS } from './platform/open-database.js';
import { stopOnSignals } from './platform/shutdown.js';
import { FirstStartService, firstStartNotice } from './records/local-admins/first-start.service.js';
import { shape } from './tables.js';

async function main(): Promise<void> {
  boundHeapGrowth();
  const config = readConfig(process.env);
  const logger = createLogger(config);
  if (config.DATABASE_URL === '') process.once('exit', lockDataFolder(config).release);
  const database = await openDatabase(config, shape, {
    waitMs: SERVER_WAIT_MS,
    tell: (text) => logger.warn({ context: 'Database' }, text),
  });
  for (const name of await database.migrate()) logger.info({ context: 'Database' }, `migrated: ${name}`);
  const app = await createHttpApp(AppModule.with(config, database), config, logger);
  stopOnSignals(app, config.SHUTDOWN_SECONDS);
  await app.listen(config.PORT, config.HOST);
  logger.info({ context: 'Rollcall', ms: Math.round(performance.now()) }, `listening on ${await app.getUrl()}`);
  const link = await app.get(FirstStartService).createLink(Number(new URL(await app.getUrl()).port));
  if (link !== null) process.stdout.write(firstStartNotice(link));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String((error as Error).stack)}\n`);
  process.exit(1);
});
