import type { Json } from '../../plan/statement.js';
import type { GroupEdit, NamedMember } from './group-delta.js';
import { BodyFaults } from './protocol/body-faults.js';
import { groupSchema } from './protocol/group-schema.js';
import type { Leniencies } from './protocol/leniencies.js';
import { readPatch } from './protocol/patch-request.js';
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
  const members = toMembers(read);
  return { displayName: String(displayName), externalId: typeof externalId === 'string' ? externalId : null, members };
}

function toMembers(read: Json): NamedMember[] {
  return ((read ?? []) as JsonObject[]).map(({ value, display }) => ({
    value: String(value),
    display: typeof display === 'string' ? display : null,
  }));
}

/** What a PATCH makes of a group. */
export function readGroupPatch(body: unknown, leniencies: Leniencies, id: string): GroupEdit {
  const names: { displayName?: string; externalId?: string | null } = {};
  let all: Map<string, NamedMember> | null = null;
  const add = new Map<string, NamedMember>();
  const remove = new Set<string>();
  const leave = (value: string): void => {
    if (all) all.delete(value);
    else {
      add.delete(value);
      remove.add(value);
    }
  };
  for (const { op, attribute, filter, value } of readPatch(groupResourceType, body, leniencies, id)) {
    if (attribute.name === 'displayName') names.displayName = String(value);
    else if (attribute.name === 'externalId') names.externalId = typeof value === 'string' ? value : null;
    else if (attribute.name === 'members') {
      const members = toMembers(value ?? null);
      if (filter?.kind === 'compare') leave(String(filter.value));
      else if (op === 'remove' && value !== undefined) for (const one of members) leave(one.value);
      else if (op === 'remove' || op === 'replace') all = new Map(members.map((one) => [one.value, one]));
      else {
        for (const one of members) {
          if (all) all.set(one.value, one);
          else {
            remove.delete(one.value);
            add.set(one.value, one);
          }
        }
      }
    }
  }
  if (all) return { ...names, members: [...(all as Map<string, NamedMember>).values()] };
  return { ...names, add: [...add.values()], remove: [...remove] };
}
