import { formatTime } from '../../platform/clock.js';
import { Problem } from '../../platform/problem.js';
import { etagOf } from './etag.js';
import type { GroupRow, MemberRow } from './group-store.js';
import { GROUP_SCHEMA_URN } from './protocol/group-schema.js';
import type { ResourceJson } from './protocol/stored-values.js';

export function groupNotFound(id: string): Problem {
  return new Problem('not_found', `There is no group ${JSON.stringify(id.slice(0, 100))}.`);
}

export function locationOfGroup(baseUrl: string, id: string): string {
  return `${baseUrl}/Groups/${id}`;
}

export function toMemberElement({ id, display }: MemberRow, baseUrl: string) {
  return {
    value: id,
    $ref: `${baseUrl}/Users/${id}`,
    type: 'User',
    ...(display === null ? {} : { display }),
  };
}

/**
 * The whole resource as it is answered, before attributes are chosen (RFC 7643, section 4.2). `members`: null where they
 * were not read, because nobody is told of them.
 */
export function toGroupResource(group: GroupRow, members: readonly MemberRow[] | null, baseUrl: string): ResourceJson {
  const { id, externalId, displayName, createdAt, modifiedAt } = group;
  return {
    schemas: [GROUP_SCHEMA_URN],
    id,
    ...(externalId === null ? {} : { externalId }),
    displayName,
    ...(members === null || members.length === 0
      ? {}
      : {
          members: members.map((member) => toMemberElement(member, baseUrl)),
        }),
    meta: {
      resourceType: 'Group',
      created: formatTime(createdAt),
      lastModified: formatTime(modifiedAt),
      location: locationOfGroup(baseUrl, id),
      version: etagOf(group),
    },
  };
}
