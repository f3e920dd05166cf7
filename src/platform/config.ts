import { readFileSync } from 'node:fs';
import { settings, type Setting, type SettingName } from './settings.js';

type Values = { readonly [Name in SettingName]: ReturnType<(typeof settings)[Name]['read']> };

/** The one frozen configuration; read once, from the environment alone. */
export type Config = Values & { readonly production: boolean };

/** All faults of the environment at once, each by the name of its setting. */
export class ConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`Rollcall cannot start with this configuration:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  }
}

/** Reads and checks the environment. Throws ConfigError with every fault; an error never quotes a secret's value. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries<Setting<unknown>>(settings)) {
    values[name] = setting.default;
    try {
      const text = textOf(name, setting, env);
      if (text !== undefined) values[name] = setting.read(text);
    } catch (error) {
      faults.push(`${name} ${error instanceof Error ? error.message : 'cannot be read'}`);
    }
  }
  const config = { ...values, production: values.NODE_ENV === 'production' } as Config;
  faults.push(...unsafeIn(config));
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config);
}

function textOf(name: string, setting: Setting<unknown>, env: Readonly<Record<string, string | undefined>>) {
  const file = setting.secret ? env[`${name}_FILE`] : undefined;
  if (file !== undefined && env[name] !== undefined) throw new Error(`and ${name}_FILE are both set`);
  if (file === undefined) return env[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error(`_FILE names a file that cannot be read: ${file}`);
  }
}

function unsafeIn(config: Config): string[] {
  const faults: string[] = [];
  if (config.INSTANCES > 1 && config.DATABASE_URL === '') {
    faults.push('INSTANCES above 1 needs DATABASE_URL: the embedded database serves one instance');
  }
  if (!config.production) return faults;
  if (config.ROLLCALL_SECRET === '') faults.push('ROLLCALL_SECRET is required in production');
  if (!config.PUBLIC_URL.startsWith('https://')) faults.push('PUBLIC_URL must be an https URL in production');
  if (config.ALLOW_LOOPBACK_HTTP) faults.push('ALLOW_LOOPBACK_HTTP is refused in production');
  return faults;
}
