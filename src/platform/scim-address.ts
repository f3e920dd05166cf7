const ENDPOINTS = ['Users', 'Groups', 'Me', 'Bulk', 'Schemas', 'ResourceTypes', 'ServiceProviderConfig'];
const CANONICAL = new Map(ENDPOINTS.map((name) => [name.toLowerCase(), name]));
/** What Microsoft's reference code, and SCIM 1.1, call the configuration. */
const ALIASES = new Map([
  ['serviceconfiguration', 'ServiceProviderConfig'],
  ['serviceproviderconfigs', 'ServiceProviderConfig'],
]);

const ADDRESS = /^(\/scim\/v2)\/([A-Za-z]+)((?:\/[^?]*)?)(\?.*)?$/;

/**
 * The address of a SCIM request as its route has it: clients write `/users`, and end an address with a slash. Other
 * addresses come back as they are.
 */
export function canonicalScimUrl(url: string): string {
  const found = ADDRESS.exec(url);
  if (!found) return url;
  const [, base = '', name = '', rest = '', query = ''] = found;
  const key = name.toLowerCase();
  const endpoint = CANONICAL.get(key) ?? ALIASES.get(key) ?? name;
  return `${base}/${endpoint}${rest.replace(/\/+$/, '')}${query}`;
}
