import { type AttributeDefinition, type SchemaDefinition, defineAttribute, defineComplex } from './schema.js';

export const USER_SCHEMA_URN = 'urn:ietf:params:scim:schemas:core:2.0:User';

const readOnly = { mutability: 'readOnly' } as const;

/** `display`, `type` and `primary`, which every multi-valued attribute has (RFC 7643, section 2.4). */
function describeValue(types: readonly string[]): AttributeDefinition[] {
  return [
    defineAttribute('display', 'string', 'A name for people to read.'),
    defineAttribute('type', 'string', 'What the value is for.', types.length > 0 ? { canonicalValues: types } : {}),
    primary(),
  ];
}

function primary(): AttributeDefinition {
  return defineAttribute('primary', 'boolean', 'Whether this is the preferred value. At most one is.');
}

function defineList(name: string, description: string, subAttributes: readonly AttributeDefinition[]) {
  return defineComplex(name, description, subAttributes, { multiValued: true });
}

const name = defineComplex('name', "The parts of the person's name.", [
  defineAttribute('formatted', 'string', 'The whole name, as it is shown.'),
  defineAttribute('familyName', 'string', 'The family name, or last name.'),
  defineAttribute('givenName', 'string', 'The given name, or first name.'),
  defineAttribute('middleName', 'string', 'The middle names.'),
  defineAttribute('honorificPrefix', 'string', 'A title before the name, such as "Dr.".'),
  defineAttribute('honorificSuffix', 'string', 'What follows the name, such as "III".'),
]);

const addresses = defineList('addresses', 'Postal addresses.', [
  defineAttribute('formatted', 'string', 'The whole address, as it is shown.'),
  defineAttribute('streetAddress', 'string', 'Street, house number, post office box; may have several lines.'),
  defineAttribute('locality', 'string', 'The city.'),
  defineAttribute('region', 'string', 'The state or region.'),
  defineAttribute('postalCode', 'string', 'The postal code.'),
  defineAttribute('country', 'string', 'The country, by two letters (ISO 3166-1).'),
  defineAttribute('type', 'string', 'What the address is for.', { canonicalValues: ['work', 'home', 'other'] }),
  primary(),
]);

const groups = defineComplex(
  'groups',
  'The groups that the person is a member of. Changed through the groups alone.',
  [
    defineAttribute('value', 'string', 'The id of the group.', { ...readOnly, caseExact: true }),
    defineAttribute('$ref', 'reference', 'The address of the group.', { ...readOnly, referenceTypes: ['Group'] }),
    defineAttribute('display', 'string', 'The name of the group.', readOnly),
    defineAttribute('type', 'string', 'How the person is a member.', {
      ...readOnly,
      canonicalValues: ['direct', 'indirect'],
    }),
  ],
  { ...readOnly, multiValued: true },
);

/** RFC 7643, sections 4.1 and 8.7.1. */
export const userSchema: SchemaDefinition = {
  id: USER_SCHEMA_URN,
  name: 'User',
  description: 'User Account',
  attributes: [
    defineAttribute('userName', 'string', 'What the person signs in with; unique in the directory.', {
      required: true,
      uniqueness: 'server',
    }),
    name,
    defineAttribute('displayName', 'string', 'The name that is shown for the person.'),
    defineAttribute('nickName', 'string', 'What the person is called among friends.'),
    defineAttribute('profileUrl', 'reference', "The person's page.", { referenceTypes: ['external'] }),
    defineAttribute('title', 'string', 'The job title, such as "Vice President".'),
    defineAttribute('userType', 'string', 'How the person relates to the organisation, such as "Employee".'),
    defineAttribute('preferredLanguage', 'string', 'The language preferred, as in Accept-Language.'),
    defineAttribute('locale', 'string', 'Where the person is, for dates and currency: "en-US".'),
    defineAttribute('timezone', 'string', 'The time zone by its IANA name: "Europe/Vienna".'),
    defineAttribute('active', 'boolean', 'Whether the account may be used.'),
    defineAttribute('password', 'string', 'Accepted and never kept, compared or returned.', {
      mutability: 'writeOnly',
      returned: 'never',
    }),
    defineList('emails', 'E-mail addresses.', [
      defineAttribute('value', 'string', 'The address.'),
      ...describeValue(['work', 'home', 'other']),
    ]),
    defineList('phoneNumbers', 'Telephone numbers.', [
      defineAttribute('value', 'string', 'The number.'),
      ...describeValue(['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    ]),
    defineList('ims', 'Instant messaging addresses.', [
      defineAttribute('value', 'string', 'The address.'),
      ...describeValue(['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo']),
    ]),
    defineList('photos', 'Addresses of pictures.', [
      defineAttribute('value', 'reference', 'The address of the picture.', { referenceTypes: ['external'] }),
      ...describeValue(['photo', 'thumbnail']),
    ]),
    addresses,
    groups,
    defineList('entitlements', 'What the person may have or do.', [
      defineAttribute('value', 'string', 'The entitlement.'),
      ...describeValue([]),
    ]),
    defineList('roles', 'The roles of the person.', [
      defineAttribute('value', 'string', 'The role.'),
      ...describeValue([]),
    ]),
    defineList('x509Certificates', 'Certificates.', [
      defineAttribute('value', 'binary', 'The certificate: DER in base64.'),
      ...describeValue([]),
    ]),
  ],
};
