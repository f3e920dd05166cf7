#!/usr/bin/env node
import { Command } from 'commander';
import { addImportCommand } from './flows/import/import-command.js';
import { ConfigError } from './platform/config.js';

const program = new Command('rollcall')
  .description('The command line of Rollcall. Reads the same environment as the service (docs/configuration.md).')
  .showHelpAfterError();

addImportCommand(program);
// The others load the whole service, which takes a second: whoever sends a file does not wait for that.
if (process.argv[2] !== 'import') (await import('./service-commands.js')).addServiceCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(
    `${error instanceof ConfigError || process.env.LOG_LEVEL !== 'debug' ? (error as Error).message : (error as Error).stack}\n`,
  );
  process.exitCode = 1;
}
