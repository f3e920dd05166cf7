import type { NamedMember } from './group-delta.js';
import { BodyFaults } from './protocol/body-faults.js';
import { groupSchema } from './protocol/group-schema.js';
import type { Leniencies } from './protocol/leniencies.js';
import { readResource } from './protocol/read-resource.js';
import { type JsonObject, readValue } from './protocol/read-value.js';
import { groupResourceType } from './protocol/resource-types.js';

export interface GroupBody {
  displayName: string;
  externalId: string | null;
  members: NamedMember[];
}

export function readGroupBody(body: unknown, leniencies: Leniencies): GroupBody {
  const { displayName, externalId } = readResource(groupResourceType, body, leniencies, ['members']);
  const faults = new BodyFaults();
  const name = Object.keys(body as object).find((each) => each.toLowerCase() === 'members') ?? 'members';
  const attribute = groupSchema.attributes.find((each) => each.name === 'members');
  const input = (body as Record<string, unknown>)[name];
  const place = { path: 'members', pointer: `/${name}` };
  const read = attribute ? readValue(attribute, input, place, { leniencies, faults, patch: false }) : null;
  faults.throwIfAny();
  const members = ((read ?? []) as JsonObject[]).map(({ value, display }) => ({
    value: String(value),
    display: typeof display === 'string' ? display : null,
  }));
  return { displayName: String(displayName), externalId: typeof externalId === 'string' ? externalId : null, members };
}
