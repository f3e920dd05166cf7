import { describe, expect, it } from '@jest/globals';
import { parseFilter } from './filter.js';
import { matchFilter } from './match-filter.js';
import { resolveFilter } from './resolve-filter.js';
import { userResourceType } from './resource-types.js';
import type { ResourceJson } from './stored-values.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const ada: ResourceJson = {
  schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', ENTERPRISE],
  id: '0193A-1',
  externalId: 'Ext-1',
  userName: 'Ada@Example.com',
  name: { givenName: 'Ada', familyName: "O'Malley" },
  displayName: 'Ada Straße',
  title: '',
  active: true,
  profileUrl: 'https://example.com/Ada',
  emails: [
    { value: 'ada@work.example', type: 'work', primary: true },
    { value: 'ada@home.example', type: 'home' },
  ],
  phoneNumbers: [],
  roles: [{ value: 'admin' }],
  x509Certificates: [{ value: 'MIIDQzCC' }],
  [ENTERPRISE]: { employeeNumber: '701984', manager: { value: '0193b-2', displayName: 'Grace' } },
  meta: {
    resourceType: 'User',
    created: '2026-01-23T04:56:22Z',
    lastModified: '2026-05-13T04:42:34.123456Z',
    version: 'W/"3"',
  },
};

const holds = (text: string, resource = ada): boolean =>
  matchFilter(resolveFilter(parseFilter(text), userResourceType), resource);

describe('what filters hold for', () => {
  it.each([
    // SCIM 49: attribute names in any case, texts by caseExact.
    ['username eq "ADA@example.COM"', true],
    ['userName eq "ada@example.co"', false],
    ['externalId eq "Ext-1"', true],
    ['externalId eq "ext-1"', false],
    ['id eq "0193A-1"', true],
    ['id eq "0193a-1"', false],
    ['profileUrl eq "https://example.com/ada"', false],
    ['displayName eq "ada STRASSE"', false],
    ['displayName eq "ADA STRAßE"', true],
    ['schemas eq "URN:IETF:params:scim:schemas:core:2.0:user"', true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ada"', true],
    [`${ENTERPRISE}:employeeNumber eq "701984"`, true],
    // SCIM 48: operators.
    ['userName ne "ada@example.com"', false],
    ['userName ne "x"', true],
    ['userName co "@EXAMPLE"', true],
    ['userName sw "ada@"', true],
    ['userName sw "@"', false],
    ['userName ew ".COM"', true],
    ['name.familyName co "o\'m"', true],
    ['userName gt "ada"', true],
    ['userName gt "ada@example.com"', false],
    ['userName ge "ada@example.com"', true],
    ['userName lt "b"', true],
    ['userName le "ada@example.com"', true],
    ['active eq true', true],
    ['active eq false', false],
    ['active ne false', true],
    ['x509Certificates.value eq "MIIDQzCC"', true],
    ['x509Certificates.value eq "miidqzcc"', false],
    // SCIM 48: precedence.
    ['active eq true or active eq true and active eq false', true],
    ['(active eq true or active eq true) and active eq false', false],
    ['not (active eq true) or active eq true', true],
    ['not (active eq true or active eq true)', false],
    // SCIM 50: times are instants.
    ['meta.created eq "2026-01-23T04:56:22.000Z"', true],
    ['meta.created eq "2026-01-23T05:56:22+01:00"', true],
    ['meta.created eq "2026-01-23T04:56:22"', true],
    ['meta.lastModified gt "2026-05-13T05:42:34.123+01:00"', true],
    ['meta.lastModified gt "2026-05-13T04:42:34.1234560001Z"', false],
    ['meta.lastModified lt "2026-05-13T04:42:35Z"', true],
    ['meta.lastModified ge "2026-05-13T04:42:34.123456Z"', true],
    // SCIM 51: several values.
    ['emails.value eq "ada@home.example"', true],
    ['emails eq "ADA@home.example"', true],
    ['emails co "@nowhere"', false],
    ['emails.type eq "home" and emails.value eq "ada@work.example"', true],
    ['emails[type eq "home" and value eq "ada@work.example"]', false],
    ['emails[type eq "work" and value eq "ada@work.example"]', true],
    ['emails[type eq "WORK"].value eq "ada@work.example"', true],
    ['emails[type eq "work"].value eq "ada@home.example"', false],
    ['emails[type eq "work"].primary eq true', true],
    ['emails[primary eq true and type eq "home"]', false],
    ['emails[not (type eq "work")].value sw "ada@home"', true],
    ['emails[type eq "other"]', false],
    ['emails ne "ada@work.example"', true],
    ['roles eq "ADMIN"', true],
    [`${ENTERPRISE}:manager eq "0193b-2"`, true],
    [`${ENTERPRISE}:manager.displayName eq "grace"`, true],
    [`${ENTERPRISE}:manager[displayName eq "grace"]`, true],
    // SCIM 52: what is unassigned.
    ['userName pr', true],
    ['title pr', false],
    ['nickName pr', false],
    ['emails pr', true],
    ['phoneNumbers pr', false],
    ['phoneNumbers.value pr', false],
    ['emails.display pr', false],
    ['name pr', true],
    ['name.middleName pr', false],
    [`${ENTERPRISE}:manager pr`, true],
    [`${ENTERPRISE}:department pr`, false],
    ['nickName eq null', true],
    ['nickName ne null', false],
    ['title eq null', true],
    ['userName eq null', false],
    ['emails eq null', false],
    ['phoneNumbers eq null', true],
    ['nickName ne "x"', true],
    ['phoneNumbers ne "x"', true],
    ['emails.display ne "x"', true],
    ['nickName eq ""', false],
    ['nickName co ""', false],
    ['nickName lt "x"', false],
    ['not (nickName eq "x")', true],
    ['userName eq "ada@example.com" and not (title pr)', true],
  ])('%s: %s', (text, expected) => {
    expect(holds(text)).toBe(expected);
  });

  it('SCIM 52 pr is false for what is made of nothing', () => {
    const hollow: ResourceJson = { name: { givenName: '' }, emails: [{}, { value: '' }], roles: [{ primary: false }] };
    expect(holds('name pr', hollow)).toBe(false);
    expect(holds('emails pr', hollow)).toBe(false);
    expect(holds('roles pr', hollow)).toBe(true);
  });

  it.each(['', '[value'])('each value is read once, however many terms of ims%s ask for it', (bracket) => {
    const terms = Array.from({ length: 300 }, (_, i) => `ims${bracket} co "x${i}"${bracket === '' ? '' : ']'}`);
    let reads = 0;
    const ims = Array.from({ length: 10 }, () => ({
      get value() {
        reads += 1;
        return 'nobody';
      },
    }));
    expect(holds(terms.join(' or '), { ims })).toBe(false);
    expect(reads).toBe(10);
  });

  it('SCIM 19 a canonical value is a suggestion: any type is compared', () => {
    expect(holds('emails[type eq "Kiosk"]', { emails: [{ value: 'a@b.c', type: 'kiosk' }] })).toBe(true);
  });

  it('SCIM 49 user names that normalise alike are alike', () => {
    expect(holds('userName eq "jose\u0301"', { userName: 'JOSÉ' })).toBe(true);
    expect(holds('userName eq "jose"', { userName: 'José' })).toBe(false);
  });
});
