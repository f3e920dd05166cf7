import { expect, it } from '@jest/globals';
import { canonicalScimUrl } from './scim-address.js';

it.each([
  ['/scim/v2/users', '/scim/v2/Users'],
  ['/scim/v2/USERS/0193?attributes=userName', '/scim/v2/Users/0193?attributes=userName'],
  ['/scim/v2/Users/?filter=userName+eq+%22a%2F%22', '/scim/v2/Users?filter=userName+eq+%22a%2F%22'],
  ['/scim/v2/groups/.search', '/scim/v2/Groups/.search'],
  ['/scim/v2/serviceConfiguration', '/scim/v2/ServiceProviderConfig'],
  ['/scim/v2/Schemas/urn:x:User', '/scim/v2/Schemas/urn:x:User'],
  ['/scim/v2/.search', '/scim/v2/.search'],
  ['/scim/v2/Persons', '/scim/v2/Persons'],
  ['/scim/v3/users', '/scim/v3/users'],
  ['/users/', '/users/'],
])('the address %s of a request is that of the route %s', (url, expected) => {
  expect(canonicalScimUrl(url)).toBe(expected);
});
