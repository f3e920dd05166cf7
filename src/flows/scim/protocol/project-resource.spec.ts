import { describe, expect, it } from '@jest/globals';
import { Problem } from '../../../platform/problem.js';
import { type AskedAttributes, isShown, projectResource, readProjection } from './project-resource.js';
import { groupResourceType, userResourceType } from './resource-types.js';
import { type ResourceType, defineAttribute, defineComplex } from './schema.js';
import type { ResourceJson } from './stored-values.js';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const standing = { schemas: [USER, ENTERPRISE], id: '1' };
const ada: ResourceJson = {
  ...standing,
  externalId: 'x',
  userName: 'ada',
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  password: 'hunter2',
  emails: [
    { value: 'a@b.c', type: 'work', primary: true },
    { value: 'd@e.f', type: 'home' },
  ],
  [ENTERPRISE]: { department: 'R&D', manager: { value: '2', displayName: 'Grace' } },
  meta: { resourceType: 'User', location: 'https://x/Users/1' },
};
const { password: _, ...told } = ada;
const project = (asked: AskedAttributes): unknown => projectResource(ada, readProjection(userResourceType, asked));

describe('SCIM 27 what is returned', () => {
  it('is everything but what is never returned', () => {
    expect(project({})).toEqual(told);
    expect(project({ attributes: '', excludedAttributes: ' ' })).toEqual(told);
  });

  it('never holds a password, though it is asked for', () => {
    expect(project({ attributes: 'password' })).toEqual(standing);
    expect(project({ attributes: `${USER}:password,userName` })).toEqual({ ...standing, userName: 'ada' });
    expect(project({ attributes: USER })).not.toHaveProperty('password');
    expect(project({ excludedAttributes: 'userName' })).not.toHaveProperty('password');
  });

  it('always holds id and schemas, though they are excluded', () => {
    expect(project({ excludedAttributes: 'id,schemas,userName' })).toMatchObject(standing);
  });

  it('holds what is returned on request only when it is asked for by name', () => {
    const type: ResourceType = {
      ...userResourceType,
      schemaExtensions: [],
      schema: {
        id: 'urn:x:Thing',
        name: 'Thing',
        description: '',
        attributes: [
          defineAttribute('secretive', 'string', '', { returned: 'request' }),
          defineComplex('box', '', [
            defineAttribute('open', 'string', '', { returned: 'always' }),
            defineAttribute('plain', 'string', ''),
            defineAttribute('shy', 'string', '', { returned: 'request' }),
            defineAttribute('dark', 'string', '', { returned: 'never' }),
          ]),
        ],
      },
    };
    const thing: ResourceJson = { id: '1', secretive: 's', box: { open: 'o', plain: 'p', shy: 'y', dark: 'd' } };
    const of = (asked: AskedAttributes): unknown => projectResource(thing, readProjection(type, asked));
    expect(of({})).toEqual({ id: '1', box: { open: 'o', plain: 'p' } });
    expect(of({ attributes: 'secretive' })).toEqual({ id: '1', secretive: 's' });
    expect(of({ attributes: 'box' })).toEqual({ id: '1', box: { open: 'o', plain: 'p' } });
    expect(of({ attributes: 'box.shy' })).toEqual({ id: '1', box: { open: 'o', shy: 'y' } });
    expect(of({ attributes: 'box,box.shy' })).toEqual({ id: '1', box: { open: 'o', plain: 'p', shy: 'y' } });
    expect(of({ attributes: 'box.dark' })).toEqual({ id: '1', box: { open: 'o' } });
    expect(of({ excludedAttributes: 'box.plain,box.open' })).toEqual({ id: '1', box: { open: 'o' } });
  });
});

describe('SCIM 57 attributes and excludedAttributes', () => {
  it.each<[AskedAttributes, unknown]>([
    [{ attributes: 'userName' }, { ...standing, userName: 'ada' }],
    [{ attributes: 'USERNAME' }, { ...standing, userName: 'ada' }],
    [{ attributes: ' userName , externalId ,, ' }, { ...standing, userName: 'ada', externalId: 'x' }],
    [{ attributes: ['userName', ' externalid'] }, { ...standing, userName: 'ada', externalId: 'x' }],
    [{ attributes: '[userName, "externalId"]' }, { ...standing, userName: 'ada', externalId: 'x' }],
    [{ attributes: 'name.givenName' }, { ...standing, name: { givenName: 'Ada' } }],
    [{ attributes: `${USER}:name.familyName` }, { ...standing, name: { familyName: 'Lovelace' } }],
    [{ attributes: 'emails.value' }, { ...standing, emails: [{ value: 'a@b.c' }, { value: 'd@e.f' }] }],
    [{ attributes: 'emails.primary' }, { ...standing, emails: [{ primary: true }] }],
    [{ attributes: 'emails[type eq "work", x].type' }, { ...standing, emails: [{ type: 'work' }, { type: 'home' }] }],
    [{ attributes: ENTERPRISE }, { ...standing, [ENTERPRISE]: ada[ENTERPRISE] }],
    [{ attributes: `${ENTERPRISE}:department` }, { ...standing, [ENTERPRISE]: { department: 'R&D' } }],
    [
      { attributes: `${ENTERPRISE.toUpperCase()}:MANAGER.VALUE` },
      { ...standing, [ENTERPRISE]: { manager: { value: '2' } } },
    ],
    [{ attributes: 'nosuch' }, standing],
    [{ attributes: 'meta.location' }, { ...standing, meta: { location: 'https://x/Users/1' } }],
  ])('%j', (asked, expected) => {
    expect(project(asked)).toEqual(expected);
  });

  it('leaves out what is excluded, sub-attributes and whole schemas too', () => {
    const { emails: _emails, meta: _meta, ...rest } = told;
    expect(project({ excludedAttributes: 'EMAILS, meta' })).toEqual(rest);
    expect(project({ excludedAttributes: 'name.givenName' })).toEqual({ ...told, name: { familyName: 'Lovelace' } });
    const { [ENTERPRISE]: _extension, ...core } = told;
    expect(project({ excludedAttributes: ENTERPRISE })).toEqual(core);
    expect(project({ excludedAttributes: `${ENTERPRISE}:manager` })).toEqual({
      ...told,
      [ENTERPRISE]: { department: 'R&D' },
    });
    expect(project({ excludedAttributes: 'nosuch' })).toEqual(told);
  });

  it('refuses both at once', () => {
    expect(() => readProjection(userResourceType, { attributes: 'id', excludedAttributes: ['meta'] })).toThrow(Problem);
  });

  it('says beforehand that members need not be read', () => {
    expect(isShown(readProjection(groupResourceType, { excludedAttributes: 'members' }), 'members')).toBe(false);
    expect(isShown(readProjection(groupResourceType, { attributes: 'displayName' }), 'members')).toBe(false);
    expect(isShown(readProjection(groupResourceType, { attributes: 'members.value' }), 'members')).toBe(true);
    expect(isShown(readProjection(groupResourceType), 'members')).toBe(true);
  });

  it('takes long junk in its stride', () => {
    expect(project({ attributes: `${'[a'.repeat(50_000)},userName` })).toEqual(standing);
  });
});
