import { describe, expect, it } from '@jest/globals';
import { readHeader, toSyncRecord } from './csv-record.js';

const PLAIN = { listSeparators: '|;', emptyClears: false };

function read(names: string, cells: string[], reading = PLAIN) {
  return toSyncRecord(readHeader(names.split(',')).header, cells, reading);
}

describe('a row of CSV', () => {
  it.each<[string, string, string[], object]>([
    [
      'texts',
      'externalId,userName,email',
      ['u1', 'ada', 'a@x.example'],
      { externalId: 'u1', userName: 'ada', email: 'a@x.example' },
    ],
    [
      'parts of a name',
      'usercode,givenName,familyName',
      ['u1', 'Ada', 'L'],
      { usercode: 'u1', name: { givenName: 'Ada', familyName: 'L' } },
    ],
    [
      'lists by | and by ;',
      'externalId,roles,groups',
      ['u1', 'viewer|editor', 'A; B ;;'],
      { externalId: 'u1', roles: ['viewer', 'editor'], groups: ['A', 'B'] },
    ],
    [
      'flags',
      'externalId,active,emailVerified',
      ['u1', 'No', 'TRUE'],
      { externalId: 'u1', active: false, emailVerified: true },
    ],
    [
      'attributes',
      'externalId,attributes.department,attributes.__proto__',
      ['u1', 'R&D', 'x'],
      { externalId: 'u1', attributes: JSON.parse('{"department":"R&D","__proto__":"x"}') as object },
    ],
    [
      'headings in other spellings',
      'External ID,User_Name,display name',
      ['u1', 'ada', 'Ada'],
      { externalId: 'u1', userName: 'ada', displayName: 'Ada' },
    ],
    ['spaces around', 'externalId,userName', [' u1 ', ' ada'], { externalId: 'u1', userName: 'ada' }],
    ['the column that said why it was refused', 'externalId,problem', ['u1', 'was bad'], { externalId: 'u1' }],
    ['empty cells, which say nothing', 'externalId,email,roles,active', ['u1', '', '', ''], { externalId: 'u1' }],
  ])('reads %s', (_, names, cells, record) => {
    expect(JSON.stringify(read(names, cells))).toBe(JSON.stringify({ record }));
  });

  it('can say by empty cells that a field is empty', () => {
    expect(read('externalId,email,roles,active', ['u1', '', '', ''], { ...PLAIN, emptyClears: true })).toEqual({
      record: { externalId: 'u1', email: null, roles: [], active: null },
    });
  });

  it('leaves the separators of lists to whoever knows the names', () => {
    expect(read('externalId,groups', ['u1', 'R;D|Q/A'], { ...PLAIN, listSeparators: '/' })).toEqual({
      record: { externalId: 'u1', groups: ['R;D|Q', 'A'] },
    });
  });

  it('is refused with all that is wrong with it', () => {
    expect(read('externalId,active,emailVerified', ['u1', 'perhaps', '2'])).toEqual({
      problem: 'active must be true or false; emailVerified must be true or false',
    });
    expect(read('externalId,active', ['u1'])).toEqual({ problem: 'has 1 cells where the header has 2' });
  });

  it('stands under a header of which every fault is named', () => {
    const { faults } = readHeader(['userName', 'colour', 'user name', '', 'constructor']);
    expect(faults).toEqual([
      expect.stringContaining('"colour" is not known'),
      'the column "user name" stands twice',
      'column 4 has no name',
      expect.stringContaining('"constructor" is not known'),
      'the column externalId is missing',
    ]);
  });
});
