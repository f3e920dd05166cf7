import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Command } from 'commander';
import { AppModule } from './app.module.js';
import { verifyLedger } from './ledger/verify-ledger.js';
import { formatTime } from './platform/clock.js';
import { readConfig } from './platform/config.js';
import type { Database } from './platform/database.js';
import { examine } from './platform/doctor.js';
import { openDatabase, SERVER_WAIT_MS } from './platform/open-database.js';
import { createAdmin, resetAdmin } from './records/local-admins/admin-commands.js';
import { FirstStartService } from './records/local-admins/first-start.service.js';
import { LocalAdminsService } from './records/local-admins/local-admins.service.js';
import { SigningKeysService } from './records/sessions/signing-keys.service.js';
import { CredentialVault } from './records/sources/credential-vault.js';
import { PLATFORM_SLUG } from './records/tenants/tenant.entity.js';
import { checkSealed } from './sealed-check.js';
import { shape } from './tables.js';

interface AdminOptions {
  tenant: string;
  name?: string;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/**
 * Runs `work` with the services on the configured database, brought to this version. They are put together and never
 * started: no schedule, no sequencer, no listener; what is recorded gets its numbers from the service.
 */
function withServices(work: (services: INestApplicationContext, database: Database) => Promise<void>): Promise<void> {
  return withDatabase(async (database) => {
    await database.migrate();
    const module = AppModule.with(readConfig(process.env), database);
    const services = await NestFactory.create(module, new FastifyAdapter(), {
      logger: ['error', 'warn'],
      abortOnError: false,
    });
    await work(services, database);
  });
}

/** Runs `work` on the configured database and closes it, whatever happens. */
async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const tell = (text: string): void => void process.stderr.write(`${text}\n`);
  const database = await openDatabase(readConfig(process.env), shape, { waitMs: SERVER_WAIT_MS, tell });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}

/** The commands that work on the configured database; they load the whole service. */
export function addServiceCommands(program: Command): void {
  program
    .command('migrate')
    .description('bring the database to this version (the service does so itself when it starts)')
    .action(() =>
      withDatabase(async (database) => {
        const done = await database.migrate();
        say(done.length === 0 ? 'nothing to migrate' : done.map((name) => `migrated: ${name}`).join('\n'));
      }),
    );

  program
    .command('doctor')
    .description('check configuration, database, clock and files; exit code 1 if anything fails')
    .action(async () => {
      const findings = await examine(process.env, (config) => openDatabase(config, shape), checkSealed);
      for (const finding of findings) say(`${finding.isGood ? 'ok  ' : 'FAIL'}  ${finding.name}: ${finding.detail}`);
      process.exitCode = findings.every((each) => each.isGood) ? 0 : 1;
    });

  const admin = program.command('admin').description('local admins, who log in with a password');

  admin
    .command('create <userName>')
    .description(
      'make a local admin (of tenant platform an operator, else an owner); prints the link to set a password',
    )
    .option('--tenant <slug>', 'the tenant', PLATFORM_SLUG)
    .option('--name <name>', 'the display name')
    .action((userName: string, { tenant, name }: AdminOptions) =>
      withServices(async (services, database) => {
        await services.get(FirstStartService).ensurePlatform();
        const displayName = name === undefined ? {} : { displayName: name };
        say(await createAdmin(partsOf(services, database), { tenant, userName, ...displayName }));
      }),
    );

  admin
    .command('reset <userName>')
    .description('print a link by which a local admin sets a new password; the old one works until then')
    .option('--tenant <slug>', 'the tenant', PLATFORM_SLUG)
    .action((userName: string, { tenant }: AdminOptions) =>
      withServices(async (services, database) => {
        say(await resetAdmin(partsOf(services, database), { tenant, userName }));
      }),
    );

  const keys = program
    .command('keys')
    .description('the keys that sign access tokens, and those that seal what the database must not show');

  keys
    .command('rotate')
    .description(
      'publish a new signing key, which takes over when every application has had time to read it; and `reseal`',
    )
    .action(() =>
      withServices(async (services) => {
        const { kid, activeFrom } = await services.get(SigningKeysService).rotate();
        say(`published: ${kid}\nsigns from: ${formatTime(activeFrom)}`);
        await reseal(services);
      }),
    );

  keys
    .command('reseal')
    .description(
      'seal under ROLLCALL_SECRET what is sealed under ROLLCALL_FORMER_SECRET; names what does not open, and then exits with 1',
    )
    .action(() => withServices(reseal));

  program
    .command('ledger')
    .description('the record of every change')
    .command('verify')
    .description('recompute every seal; names what was altered, removed or inserted, and then exits with 1')
    .option('--tenant <id>', 'only the ledger of the tenant with this id')
    .action(({ tenant }: { tenant?: string }) =>
      withServices(async (services, database) => {
        const keys = services.get(SigningKeysService);
        const report = await verifyLedger(database, {
          ...(tenant === undefined ? {} : { tenantId: tenant }),
          checkSignature: (kid, text, signature) => keys.verify(kid, text, signature),
        });
        for (const { tenantId, number, eventId, detail } of report.faults) {
          say(`FAULT  tenant ${tenantId}, number ${number ?? 'none'}, event ${eventId ?? 'none'}: ${detail}`);
        }
        const { tenants, events, erased, checkpoints, faults } = report;
        say(
          `ledgers ${tenants}, events ${events} (erased ${erased}), checkpoints ${checkpoints}, faults ${faults.length}`,
        );
        process.exitCode = faults.length === 0 ? 0 : 1;
      }),
    );
}

function partsOf(services: INestApplicationContext, database: Database) {
  return { database, admins: services.get(LocalAdminsService) };
}

/** Says what was sealed anew, and what does not open: then the process exits with 1. */
async function reseal(services: INestApplicationContext): Promise<void> {
  const kinds = [
    { what: 'signing keys', one: 'signing key', ...(await services.get(SigningKeysService).reseal()) },
    { what: 'credentials', one: 'credential of connection', ...(await services.get(CredentialVault).reseal()) },
  ];
  for (const { what, one, resealed, unopened } of kinds) {
    if (resealed > 0) say(`sealed anew: ${resealed} ${what}`);
    for (const { id, why } of unopened) say(`NOT OPENED  ${one} ${id}: ${why}`);
    if (unopened.length > 0) process.exitCode = 1;
  }
}
