import ipaddr from 'ipaddr.js';

/** One setting of the environment. `docs/configuration.md` is generated from this list. */
export interface Setting<T> {
  read(text: string): T;
  default: T;
  /** One line for the documentation. */
  about: string;
  /** May also come from the file that `NAME_FILE` names; never printed. */
  secret?: true;
}

function integer(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max)
      throw new Error(`must be a whole number from ${min} to ${max}`);
    return value;
  };
}

function oneOf<T extends string>(...values: T[]) {
  return (text: string): T => {
    const value = values.find((each) => each === text);
    if (value === undefined) throw new Error(`must be one of ${values.join(', ')}`);
    return value;
  };
}

function list(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function networks(text: string): readonly string[] {
  const parts = list(text);
  const wrong = parts.filter((part) => !ipaddr.isValid(part) && !ipaddr.isValidCIDR(part));
  if (wrong.length > 0) throw new Error(`must be addresses or CIDR ranges, which these are not: ${wrong.join(', ')}`);
  return parts;
}

function flag(text: string): boolean {
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw new Error('must be true or false');
}

function origin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username) {
    throw new Error('must be an http(s) URL without user, query or fragment');
  }
  return text.replace(/\/$/, '');
}

function databaseUrl(text: string): string {
  if (text !== '' && !/^(mysql|mariadb):\/\/[^/]+\/[^/?]+/.test(text)) {
    throw new Error('must look like mysql://user:password@host:3306/database');
  }
  return text;
}

function secret(text: string): string {
  if (text !== '' && Buffer.byteLength(text) < 32) throw new Error('must have at least 32 bytes');
  return text;
}

const asText = (text: string): string => text;

export const settings = {
  NODE_ENV: {
    read: oneOf('production', 'development', 'test'),
    default: 'development',
    about: '`production` refuses to start with unsafe settings.',
  },
  HOST: { read: asText, default: '127.0.0.1', about: 'Address to listen on; `0.0.0.0` for all.' },
  PORT: { read: integer(0, 65535), default: 3000, about: 'Port to listen on; 0 takes a free one.' },
  PUBLIC_URL: {
    read: (text: string) => (text === '' ? '' : origin(text)),
    default: '',
    about: 'Where users reach Rollcall; the issuer of its tokens. Default `http://HOST:PORT`; https in production.',
  },
  DATABASE_URL: {
    read: databaseUrl,
    default: '',
    secret: true,
    about: '`mysql://user:password@host:3306/database`. Empty: an embedded SQLite database in DATA_DIR.',
  },
  DATABASE_POOL: { read: integer(2, 200), default: 10, about: 'Connections to the database server at most.' },
  DATA_DIR: { read: asText, default: './data', about: 'Folder of the embedded database and of the generated secret.' },
  INSTANCES: {
    read: integer(1, 10_000),
    default: 1,
    about: 'How many instances share the database; more than one needs DATABASE_URL.',
  },
  ROLLCALL_SECRET: {
    read: secret,
    default: '',
    secret: true,
    about:
      'At least 32 random bytes as text; seals keys and credentials. Required in production; else made in DATA_DIR.',
  },
  ROLLCALL_FORMER_SECRET: {
    read: secret,
    default: '',
    secret: true,
    about: 'The secret before it: opens what it has sealed until `rollcall keys rotate` has sealed it anew.',
  },
  LOG_LEVEL: {
    read: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    about: 'Least severity that is logged.',
  },
  METRICS_TOKEN: {
    read: asText,
    default: '',
    secret: true,
    about:
      'Who reads `/metrics`, or what `/health/ready` says is degraded, must send this as `Authorization: Bearer`. Empty: anyone who reaches them.',
  },
  TRUSTED_PROXIES: {
    read: networks,
    default: [],
    about: 'Addresses or CIDR ranges of load balancers whose `X-Forwarded-For` is believed, by comma.',
  },
  OUTBOUND_ALLOW: {
    read: list,
    default: [],
    about: 'Private hosts or CIDR ranges that may nevertheless be fetched from (an internal IdP or source), by comma.',
  },
  OUTBOUND_PROXY: { read: asText, default: '', about: 'HTTP proxy for requests to identity providers and sources.' },
  ALLOW_LOOPBACK_HTTP: {
    read: flag,
    default: false,
    about: 'Accept `http://127.0.0.1` issuers, for development; refused in production.',
  },
  ACCESS_TOKEN_SECONDS: { read: integer(30, 900), default: 300, about: 'Life of an access token.' },
  REFRESH_IDLE_SECONDS: {
    read: integer(60, 31_536_000),
    default: 43_200,
    about: 'A session that is not refreshed for this long ends.',
  },
  REFRESH_GRACE_SECONDS: {
    read: integer(0, 300),
    default: 10,
    about: 'For this long a used refresh token still answers with its one successor (a lost answer, a double click).',
  },
  SESSION_MAX_SECONDS: {
    read: integer(300, 31_536_000),
    default: 2_592_000,
    about: "Longest life of any session; a connection's maxSessionSeconds may be shorter.",
  },
  LOGIN_RATE_PER_MINUTE: {
    read: integer(1, 10_000_000),
    default: 600,
    about: 'Login attempts per client address and minute, per instance, before 429.',
  },
  SCIM_REQUEST_LOG_DAYS: {
    read: integer(0, 365),
    default: 14,
    about: 'How long the requests of SCIM clients are kept for admins, personal values masked; 0 keeps none.',
  },
  SYNC_RUN_DAYS: {
    read: integer(1, 3650),
    default: 90,
    about: 'How long runs and the records that they refused are kept; a held run until it is decided.',
  },
  STREAM_IDLE_SECONDS: {
    read: integer(1, 3600),
    default: 60,
    about:
      'A stream of users that sends nothing for this long, or less than 16 KiB in ten minutes, is given up; what was committed stays.',
  },
  SOURCE_FAILURES_MAX: {
    read: integer(1, 1000),
    default: 5,
    about: 'A source that fails so many times in a row is suspended until an admin resumes it.',
  },
  SHUTDOWN_SECONDS: {
    read: integer(1, 600),
    default: 20,
    about: 'Time that running requests have to finish on SIGTERM.',
  },
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;
