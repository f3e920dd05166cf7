import { type SchemaDefinition, defineAttribute, defineComplex } from './schema.js';

export const GROUP_SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** RFC 7643, sections 4.2 and 8.7.1. Members are users: groups do not nest. */
export const groupSchema: SchemaDefinition = {
  id: GROUP_SCHEMA_URN,
  name: 'Group',
  description: 'A group of people.',
  attributes: [
    defineAttribute('displayName', 'string', 'The name of the group; unique in the directory.', {
      required: true,
      uniqueness: 'server',
    }),
    defineComplex(
      'members',
      'The members of the group.',
      [
        defineAttribute('value', 'string', 'The id of the member.', { caseExact: true, mutability: 'immutable' }),
        defineAttribute('$ref', 'reference', 'The address of the member.', {
          mutability: 'immutable',
          referenceTypes: ['User'],
        }),
        defineAttribute('type', 'string', 'What the member is.', {
          mutability: 'immutable',
          canonicalValues: ['User'],
        }),
        defineAttribute('display', 'string', "The member's name.", { mutability: 'readOnly' }),
      ],
      { multiValued: true },
    ),
  ],
};
