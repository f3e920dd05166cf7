import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { type Fault, Problem } from '../../platform/problem.js';
import { ConnectionBody } from './connection-body.dto.js';
import type { ConnectionWords } from './compare-connections.js';
import { type GivenSettings, isPlainObject, settingsOf } from './settings-of.js';

/** A request's connection, as far as it can be read. */
export interface ReadConnection {
  connection: ConnectionWords;
  /** Of shape and type; a field with a fault counts as left out, so that the others can be checked all the same. */
  faults: Fault[];
}

/** Read-only members of the answer: a body may repeat them, so that what was read can be edited and sent back. */
const READ_ONLY = ['id', 'status', 'version', 'mappingVersion', 'createdAt', 'updatedAt'] as const;
export type ReadOnlyMembers = Record<(typeof READ_ONLY)[number], string | number>;

/**
 * Reads a body of ConnectionBody's shape. A merge patch is applied first, so the one shape serves POST, PUT and PATCH.
 *
 * @param stored what the read-only members are, where the connection exists: only these values may be repeated
 */
export function readConnectionBody(body: unknown, stored: ReadOnlyMembers | null): ReadConnection {
  if (!isPlainObject(body)) throw new Problem('invalid_request', 'The body must be a JSON object.');
  const given = { ...body };
  const faults: Fault[] = [];
  for (const name of READ_ONLY) {
    if (stored === null || given[name] === undefined) continue;
    if (given[name] !== stored[name]) faults.push({ pointer: `/${name}`, detail: 'cannot be set' });
    delete given[name];
  }
  // The validator never sees this one: the transformer leaves it out for safety.
  for (const name of ['__proto__', 'constructor']) {
    if (Object.hasOwn(given, name)) faults.push({ pointer: `/${name}`, detail: UNKNOWN });
  }
  const errors = validateSync(plainToInstance(ConnectionBody, given), { whitelist: true, forbidNonWhitelisted: true });
  faults.push(...faultsOf(errors, ''));
  const broken = new Set(errors.map((error) => error.property));
  const { name, issuer, ...rest } = given;
  const settings = Object.fromEntries(Object.entries(rest).filter(([member]) => !broken.has(member)));
  return {
    connection: {
      // Stand-ins that pass the checks: what is wrong with the real ones is said already.
      name: broken.has('name') ? 'name' : String(name),
      issuer: broken.has('issuer') ? 'https://issuer.invalid' : String(issuer),
      settings: settingsOf({
        ...(broken.has('audiences') ? { audiences: ['audience'] } : {}),
        ...settings,
      } as GivenSettings),
    },
    faults,
  };
}

const UNKNOWN = 'is not a field of a connection';

function faultsOf(errors: readonly ValidationError[], path: string): Fault[] {
  return errors.flatMap((error) => {
    const pointer = `${path}/${error.property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const own = Object.entries(error.constraints ?? {}).map(([rule, text]) => ({
      pointer,
      detail: rule === 'whitelistValidation' ? UNKNOWN : text,
    }));
    return [...own, ...faultsOf(error.children ?? [], pointer)];
  });
}
