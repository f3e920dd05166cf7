import { describe, expect, it } from '@jest/globals';
import { maskUrl } from './mask-url.js';

const ADA = 'a…@example.com (15 characters)';

describe('a masked address', () => {
  it.each([
    ['/scim/v2/Users/0193a-1', '/scim/v2/Users/0193a-1'],
    ['/scim/v2/Users/ada%40example.com', `/scim/v2/Users/${ADA}`],
    ['/scim/v2/Users?startIndex=1&count=100', '/scim/v2/Users?startIndex=1&count=100'],
    ['/scim/v2/Users?filter=userName+eq+%22ada%40example.com%22', `/scim/v2/Users?filter=userName eq "${ADA}"`],
    ['/scim/v2/Users?filter=userName eq "jdoe"', '/scim/v2/Users?filter=userName eq "jdoe"'],
    ['/scim/v2/Users?filter=userName eq ada@example.com', `/scim/v2/Users?filter=userName eq ${ADA}`],
    [
      '/scim/v2/Users?filter=name.familyName sw "Lovelace" and active eq true',
      '/scim/v2/Users?filter=name.familyName sw "L… (8 characters)" and active eq true',
    ],
    [
      '/scim/v2/Users?filter=emails[type eq "work" and value co "ada@example.com"]',
      `/scim/v2/Users?filter=emails[type eq "work" and value co "${ADA}"]`,
    ],
    [
      '/scim/v2/Users?filter=not (title pr) or emails[type eq "work"].value eq "ada@example.com"',
      `/scim/v2/Users?filter=not (title pr) or emails[type eq "work"].value eq "${ADA}"`,
    ],
    [
      '/scim/v2/Groups?filter=displayName eq "Finance"&excludedAttributes=members',
      '/scim/v2/Groups?filter=displayName eq "Finance"&excludedAttributes=members',
    ],
    [
      '/scim/v2/Users?filter=displayName eq "Ada Lovelace"',
      '/scim/v2/Users?filter=displayName eq "A… (12 characters)"',
    ],
    ['/scim/v2/Users?filter=title eq Sir Charles', '/scim/v2/Users?filter=title eq … (3 characters) C… (7 characters)'],
    ['/scim/v2/Users?filter="Lovelace', '/scim/v2/Users?filter="L… (8 characters)"'],
    ['/scim/v2/Users?filter=password eq "correct"', '/scim/v2/Users?filter=password eq "(hidden)"'],
    ['/scim/v2/Users?access_token=abc', '/scim/v2/Users?access_token=(hidden)'],
    ['/scim/v2/Users?name=Lovelace', '/scim/v2/Users?name=L… (8 characters)'],
    ['/scim/v2/%E0%A4%A', '/scim/v2/%… (8 characters)'],
  ])('of %s is %s', (url, expected) => {
    expect(maskUrl(url, new Set())).toBe(expected);
  });
});
