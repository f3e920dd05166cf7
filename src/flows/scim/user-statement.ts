import type { FieldName, Json } from '../../plan/statement.js';
import type { ScimResource } from './protocol/read-resource.js';

export function toUserFields(resource: ScimResource, _before: ScimResource | null): Record<FieldName, Json> {
  const name = (resource.name ?? {}) as Record<string, Json>;
  const emails = (resource.emails ?? []) as Record<string, Json>[];
  return {
    userName: resource.userName ?? null,
    displayName: resource.displayName ?? null,
    givenName: name.givenName ?? null,
    familyName: name.familyName ?? null,
    email: emails[0]?.value ?? null,
    active: resource.active ?? true,
  };
}
