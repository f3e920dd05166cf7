import type { Micros } from '../../platform/clock.js';
import { escapePointer } from '../../platform/json-body.js';
import { isPointer } from '../../platform/json-pointer.js';
import type { Fault } from '../../platform/problem.js';
import { findUrlAddressFault } from '../connections/issuer-rules.js';
import { findCronFault, findTimeZoneFault, type PullSchedule } from './pull-schedule.js';
import type { SourceCredential } from './source-credential.js';
import type { SourceSettings, SourceType } from './source-settings.js';
import type { SourceBody, SourceCredentialBody, SourceScheduleBody } from './source.dto.js';

export interface SourceSurroundings {
  now: Micros;
  allowLoopbackHttp: boolean;
  /** OUTBOUND_ALLOW. */
  outboundAllow: readonly string[];
}

/** A body as it is stored, and all that is wrong with it: then nothing of it counts. */
export interface ReadSource {
  settings: SourceSettings;
  schedule: PullSchedule;
  /** Undefined: as it was. */
  credential: SourceCredential | null | undefined;
  faults: Fault[];
}

type Setting = Exclude<keyof SourceBody, 'type' | 'url' | 'credential' | 'schedule'>;

const SETTINGS: Record<SourceType, readonly Setting[]> = {
  scim: ['paging', 'pageSize', 'externalId', 'groups'],
  json: ['items', 'next', 'nextParameter', 'fields'],
  ndjson: ['fields'],
  rollcall: ['primaryId'],
};

const RECORD_FIELD =
  /^(?:externalId|userName|displayName|email|emailVerified|active|statedAt|groups|roles|entitlements|name\.(?:givenName|familyName)|attributes\.[^\p{Cc}]{1,64})$/u;
/** Those that are the request's own (RFC 9110), or would make a proxy or the source read it as another one. */
const OWN_HEADERS =
  /^(?:host|connection|keep-alive|upgrade|te|trailer|transfer-encoding|content-.*|expect|accept.*|user-agent|range|if-.*|proxy-.*|forwarded|x-forwarded-.*|via)$/i;

/** Every fault of a source at once. Shapes and types were checked before. */
export function readSource(body: SourceBody, around: SourceSurroundings): ReadSource {
  const faults: Fault[] = [...findUrlFaults(body, around)];
  for (const name of Object.values(SETTINGS).flat()) {
    if (body[name] === undefined || SETTINGS[body.type].includes(name)) continue;
    if (faults.every(({ pointer }) => pointer !== `/${name}`)) {
      faults.push({ pointer: `/${name}`, detail: `is not a setting of a ${body.type} source` });
    }
  }
  return {
    settings: readSettings(body, faults),
    schedule: readSchedule(body.schedule ?? {}, around.now, faults),
    credential: body.credential ? readCredential(body.credential, faults) : body.credential,
    faults,
  };
}

function findUrlFaults({ type, url }: SourceBody, around: SourceSurroundings): Fault[] {
  const fault = (detail: string): Fault[] => [{ pointer: '/url', detail }];
  if (!/^[\x21-\x7e]+$/.test(url) || /[\\<>"^`{|}]/.test(url)) return fault('holds characters that no URL has');
  if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) return fault('must be an https URL');
  const { protocol, hostname, username, password, hash, search } = new URL(url);
  if (username !== '' || password !== '') return fault('must not hold a user name or password: set a credential');
  if (hash !== '' || url.includes('#')) return fault('must not have a fragment');
  if (search !== '' && (type === 'scim' || type === 'rollcall')) return fault('must not have a query');
  const address = findUrlAddressFault(url, around);
  if (address !== null) return fault(address);
  const isLoopback = around.allowLoopbackHttp && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  const mayBeHttp = isLoopback || around.outboundAllow.includes(hostname);
  return protocol === 'https:' || mayBeHttp ? [] : fault('must be an https URL');
}

function readSettings(body: SourceBody, faults: Fault[]): SourceSettings {
  const { type } = body;
  const url = type === 'scim' || type === 'rollcall' ? body.url.replace(/\/+$/, '') : body.url;
  switch (type) {
    case 'scim': {
      const { paging = 'auto', pageSize = 200, externalId = 'id', groups = 'list' } = body;
      return { type, url, paging, pageSize, externalId, groups };
    }
    case 'rollcall': {
      const { primaryId } = body;
      if (primaryId === undefined || primaryId === '') faults.push({ pointer: '/primaryId', detail: 'is missing' });
      return { type, url, primaryId: primaryId ?? '' };
    }
    case 'json':
    case 'ndjson': {
      const { items = '', next = null, nextParameter = null, fields = null } = body;
      for (const [name, pointer] of Object.entries({ items, next })) {
        if (pointer !== null && !isPointer(pointer)) faults.push({ pointer: `/${name}`, detail: NO_POINTER });
      }
      if (nextParameter !== null && next === null) {
        faults.push({ pointer: '/nextParameter', detail: 'needs `next`' });
      }
      if (fields !== null) faults.push(...findFieldFaults(fields));
      return { type, url, items, next, nextParameter, fields };
    }
  }
}

const NO_POINTER = 'must be a JSON pointer, such as `/data/users`';

function findFieldFaults(fields: Record<string, unknown>): Fault[] {
  const faults: Fault[] = [];
  if (!Object.hasOwn(fields, 'externalId')) faults.push({ pointer: '/fields/externalId', detail: 'is missing' });
  if (Object.keys(fields).length > 250) faults.push({ pointer: '/fields', detail: 'has more than 250 members' });
  for (const [field, at] of Object.entries(fields)) {
    const pointer = `/fields/${escapePointer(field)}`;
    if (!RECORD_FIELD.test(field)) faults.push({ pointer, detail: 'is not a field of a record' });
    else if (typeof at !== 'string' || !isPointer(at)) faults.push({ pointer, detail: NO_POINTER });
  }
  return faults;
}

function readSchedule(body: SourceScheduleBody, now: Micros, faults: Fault[]): PullSchedule {
  const { cron = null, fullCron = null, timeZone = 'UTC', jitterSeconds = 0 } = body;
  for (const [name, expression] of Object.entries({ cron, fullCron })) {
    const fault = expression === null ? null : findCronFault(expression, now);
    if (fault !== null) faults.push({ pointer: `/schedule/${name}`, detail: fault });
  }
  const fault = findTimeZoneFault(timeZone);
  if (fault !== null) faults.push({ pointer: '/schedule/timeZone', detail: fault });
  return { cron, fullCron, timeZone, jitterSeconds };
}

const CREDENTIAL_MEMBERS = {
  bearer: ['token'],
  basic: ['userName', 'password'],
  header: ['name', 'value'],
} as const;

/** Faults never quote what was sent. */
function readCredential(body: SourceCredentialBody, faults: Fault[]): SourceCredential {
  const at = (member: string, detail: string): void => void faults.push({ pointer: `/credential/${member}`, detail });
  const members: readonly string[] = CREDENTIAL_MEMBERS[body.kind];
  for (const member of ['token', 'userName', 'password', 'name', 'value'] as const) {
    const isOwn = members.includes(member);
    if (isOwn && !body[member]) at(member, 'is missing');
    if (!isOwn && body[member] !== undefined) at(member, `is not part of a ${body.kind} credential`);
  }
  const { kind, token = '', userName = '', password = '', name = '', value = '' } = body;
  switch (kind) {
    case 'bearer':
      if (!/^[\x21-\x7e]*$/.test(token)) at('token', 'must be of visible ASCII characters');
      return { kind, token };
    case 'basic':
      if (/[:\p{Cc}]/u.test(userName)) at('userName', 'must hold neither a colon nor control characters');
      if (/\p{Cc}/u.test(password)) at('password', 'must not hold control characters');
      return { kind, userName, password };
    case 'header':
      if (name !== '' && !/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) at('name', 'is not the name of a header');
      else if (OWN_HEADERS.test(name)) at('name', 'is a header that the request sets itself');
      if (!/^[\x20-\x7e]*$/.test(value) || value.trim() !== value)
        at('value', 'must be of ASCII characters on one line');
      return { kind, name, value };
  }
}
