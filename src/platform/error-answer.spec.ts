import { describe, expect, it } from '@jest/globals';
import { errorAnswer, findScimReason, speaksScim } from './error-answer.js';
import { Problem } from './problem.js';

describe('an error as it is sent', () => {
  it.each([
    ['/scim/v2/Users', true],
    ['/scim', true],
    ['/scimitar', false],
    ['/users', false],
    ['/connections/scim', false],
  ])('%s speaks SCIM: %s', (path, speaks) => {
    expect(speaksScim(path)).toBe(speaks);
    expect(errorAnswer(new Problem('not_found'), path, 'r1').mediaType).toBe(
      speaks ? 'application/scim+json' : 'application/problem+json',
    );
  });

  it('SCIM 8 has what the standard defines and no more, and all faults in words', () => {
    const faults = [
      { pointer: '/userName', detail: 'is missing' },
      { pointer: '', detail: 'is empty' },
    ];
    const problem = new Problem('scim_invalid_value', 'one of them', { faults, extra: { secret: 1 } });
    expect(errorAnswer(problem, '/scim/v2/Users', 'r1').body).toEqual({
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: '400',
      scimType: 'invalidValue',
      detail: `${problem.title} /userName is missing. The body is empty.`,
    });
  });

  it('SCIM 2 SCIM 62 tells other versions and /Me from what is nowhere', () => {
    expect(findScimReason('/scim/v1/Users')?.code).toBe('scim_invalid_version');
    expect(findScimReason('/scim/v2/Me')?.status).toBe(501);
    expect(findScimReason('/scim/v2/Mean')).toBeNull();
    expect(findScimReason('/roles')).toBeNull();
  });
});
