import type { Ceilings } from '../../plan/ceilings.js';
import { readScimUser } from '../../plan/scim-user.js';
import type { FieldName, Json } from '../../plan/statement.js';
import type { ScimResource } from './protocol/read-resource.js';

/**
 * What a SCIM user states of a person: the profile, `active`, `attributes.*`, and the roles and entitlements that the
 * connection may grant. Others stay in the resource and give nothing: providers write all kinds of texts there, and
 * rules can read them as `claims.scimRoles` and `claims.scimEntitlements`.
 *
 * What the resource does not have is not stated, so that a token may state it; but what it had `before` is stated to be
 * empty now (null). `groups` is never mentioned: the groups state it.
 *
 * @param before the resource as it was; null if it is new
 * @param ceilings what the connection may grant (its policy)
 */
export function toUserFields(
  resource: ScimResource,
  before: ScimResource | null,
  ceilings: Ceilings,
): Record<FieldName, Json> {
  const fields = readScimUser(resource, ceilings);
  if (before === null) return fields;
  for (const name in readScimUser(before, ceilings)) {
    // To take `active` away switches nobody on or off.
    if (name !== 'active') fields[name] ??= null;
  }
  return fields;
}
