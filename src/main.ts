import { AppModule } from './app.module.js';
import { ConfigError, readConfig } from './platform/config.js';
import { createHttpApp } from './platform/http-app.js';
import { openDatabase } from './platform/open-database.js';
import { FirstStartService, firstStartNotice } from './records/local-admins/first-start.service.js';
import { shape } from './tables.js';

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const database = await openDatabase(config, shape);
  await database.migrate();
  const app = await createHttpApp(AppModule.with(config, database), config);
  await app.listen(config.PORT, config.HOST);
  const link = await app.get(FirstStartService).createLink(Number(new URL(await app.getUrl()).port));
  if (link !== null) process.stdout.write(firstStartNotice(link));
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String((error as Error).stack)}\n`);
  process.exitCode = 1;
});
