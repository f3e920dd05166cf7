import { userAttributes } from '../../src/plan/scim-user.js';

/** `docs/scim-attributes.md`: what of a SCIM user becomes what of a person. */
export function describeScimAttributes(): string {
  const rows = Object.entries(userAttributes).map(([name, { from }]) => `| \`claims.${name}\` | ${from} |`);
  return [
    '# SCIM attributes',
    '',
    'A SCIM user is kept as it came, and shown so over SCIM. What it says of the person:',
    '',
    '- `userName`, `displayName` (else `name.formatted`), `name.givenName`, `name.familyName`: the profile.',
    '- `emails`: the primary address, else the one of type `work`, else the first.',
    '- `active`: whether the person may log in.',
    '- `roles`, `entitlements`: granted where the connection allows them by name; others give nothing.',
    '- `externalId`: what pushes call the person, and what a login may be matched by.',
    '',
    "Groups are not said by users: a user's groups are the groups that have the user as a member, and stand in",
    '`claims.groups` by `displayName` or `externalId`, as `groupKey` of the mapping says.',
    '',
    "The rest becomes attributes of the user, which the mapping's rules read:",
    '',
    '| rules read | from the SCIM attribute |',
    '|---|---|',
    ...rows,
    '',
  ].join('\n');
}
