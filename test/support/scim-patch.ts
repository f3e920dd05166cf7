import { Problem } from '../../src/platform/problem.js';
import { applyPatch } from '../../src/flows/scim/protocol/apply-patch.js';
import { ENTERPRISE_SCHEMA_URN } from '../../src/flows/scim/protocol/enterprise-schema.js';
import { type Leniencies, leniencyOf } from '../../src/flows/scim/protocol/leniencies.js';
import { PATCH_SCHEMA_URN, readPatch } from '../../src/flows/scim/protocol/patch-request.js';
import type { ScimResource } from '../../src/flows/scim/protocol/read-resource.js';
import { userResourceType } from '../../src/flows/scim/protocol/resource-types.js';

export type Operation = Record<string, unknown>;

export const workMail = { value: 'ada@work.org', type: 'work', primary: true };
export const homeMail = { value: 'ada@home.org', type: 'home' };

/** A user to be patched. */
export const ada: ScimResource = {
  userName: 'ada',
  active: true,
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  emails: [workMail, homeMail],
  [ENTERPRISE_SCHEMA_URN]: { department: 'R&D', manager: { value: '26', $ref: '../Users/26' } },
};

/** Reads and applies a PATCH of the user `id1`. */
export function patchUser(
  resource: ScimResource,
  operations: unknown,
  leniencies: Leniencies = leniencyOf('rfc'),
): ScimResource {
  const body = { schemas: [PATCH_SCHEMA_URN], Operations: operations };
  return applyPatch(resource, readPatch(userResourceType, body, leniencies, 'id1'), leniencies);
}

/** What of Ada is otherwise after the operations; null where an attribute is gone. */
export function changesOfAda(operations: readonly Operation[], leniencies?: Leniencies): Record<string, unknown> {
  const after = patchUser(ada, operations, leniencies);
  const names = new Set([...Object.keys(ada), ...Object.keys(after)]);
  const changes = [...names].map((name): [string, unknown] => [name, after[name] ?? null]);
  return Object.fromEntries(changes.filter(([name, value]) => JSON.stringify(ada[name]) !== JSON.stringify(value)));
}

/** Ada's extension, with other parts. */
export function extensionWith(parts: Record<string, unknown>): Record<string, unknown> {
  return { [ENTERPRISE_SCHEMA_URN]: { ...(ada[ENTERPRISE_SCHEMA_URN] as object), ...parts } };
}

/** The code of the problem that work throws; `none` where it throws none. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return 'none';
}
