import { describe, expect, it } from '@jest/globals';
import { chooseMedia } from './scim-media.interceptor.js';

describe('SCIM 1 the media type of an answer', () => {
  it.each([
    [undefined, 'application/scim+json'],
    ['', 'application/scim+json'],
    ['*/*', 'application/scim+json'],
    ['application/*', 'application/scim+json'],
    ['application/json', 'application/json'],
    ['Application/SCIM+JSON;q=0.1, application/json', 'application/scim+json'],
    ['application/scim+json; q=0, */*', 'application/json'],
    ['text/html, */*;q=0.1', 'application/scim+json'],
    ['application/xml', null],
    ['*/*;q=0', null],
    [';;,,', null],
  ])('for Accept %j is %j', (accept, media) => {
    expect(chooseMedia(accept)).toBe(media);
  });
});
