import { describe, expect, it } from '@jest/globals';
import { diffPerson } from '../../plan/diff.js';
import type { AdminGrant, ConnectionGrant, IdentityState, Person } from '../../plan/person.js';
import {
  blankUser,
  blockHeld,
  changedFields,
  confirmGrants,
  editProfile,
  grantByHand,
  mergePersons,
  removeExpired,
  revokeByHand,
  splitIdentity,
  suspendUser,
  unblockHeld,
  unsuspendUser,
} from './edit-person.js';

const NOW = 1_000_000;
const EDITOR = { kind: 'role', key: 'editor' } as const;
const word = { adminId: 'a', reason: 'cover', until: null, now: NOW };

function identity(id: string, more: Partial<IdentityState> = {}): IdentityState {
  return {
    id,
    connectionId: 'c',
    externalId: `x-${id}`,
    subject: `s-${id}`,
    userNameKey: null,
    active: true,
    facts: { push: null, token: null },
    mappingVersion: 1,
    lastLoginAt: null,
    notBefore: null,
    scope: null,
    leavingAt: null,
    createdAt: 1,
    ...more,
  };
}

function fromConnection(key: string, identityId: string): ConnectionGrant {
  return {
    source: 'connection',
    kind: 'role',
    key,
    since: 1,
    identityId,
    connectionId: 'c',
    rule: 'r',
    mappingVersion: 1,
    because: 'groups has it',
  };
}

function byHand(key: string, until: number | null = null, adminId = 'a'): AdminGrant {
  return { source: 'admin', kind: 'role', key, since: 1, adminId, reason: null, until };
}

function person(more: Partial<Person> = {}, id = 'u'): Person {
  const user = { ...blankUser(id, 't', 1), version: 1, userName: 'ada', email: 'ada@example.com', emailVerified: true };
  return { user, identities: [], grants: [], blocks: [], ...more };
}

describe('an edit by hand', () => {
  const held = person({
    grants: [byHand('editor'), fromConnection('editor', 'i')],
    blocks: [{ kind: 'role', key: 'editor', adminId: 'a', reason: null, since: 1, until: null }],
  });

  it.each<[string, Person]>([
    ['a grant that stands already', grantByHand(held, EDITOR, { ...word, reason: null })],
    ['a revocation of what nobody gave', revokeByHand(held, { kind: 'role', key: 'viewer' })],
    ['a block that stands already', blockHeld(held, EDITOR, { ...word, reason: null })],
    ['the confirmation of a grant that counts', confirmGrants(held, [EDITOR])],
    ['the lifting of no block', unblockHeld(held, { kind: 'entitlement', key: 'editor' })],
    ['the end of no suspension', unsuspendUser(held)],
    ['a profile as it is', editProfile(held, { userName: 'ada', email: 'ada@example.com', attributes: { no: null } })],
    ['a sweep with nothing ended', removeExpired(held, NOW)],
  ])('changes nothing: %s', (_, after) => expect(after).toBe(held));

  it('takes away only what an admin gave', () => {
    expect(revokeByHand(held, EDITOR).grants).toEqual([fromConnection('editor', 'i')]);
  });

  it('tells of a grant whose end moves, under a new version', () => {
    const before = person({ grants: [byHand('editor')] });
    const after = grantByHand(before, EDITOR, { ...word, reason: null, until: NOW + 5 });
    const changes = diffPerson(before, after, NOW);
    expect(changes).toMatchObject({ quiet: false, event: { type: 'user.roles_changed', fields: ['roles'] } });
    expect(changes?.event?.granted).toHaveLength(1);
    expect(changes?.after?.user.version).toBe(2);
  });

  it('holds one grant by hand of a role, whichever admin spoke last', () => {
    const after = grantByHand(person({ grants: [byHand('editor', null, 'b')] }), EDITOR, word);
    expect(after.grants).toEqual([{ ...byHand('editor'), reason: 'cover', since: NOW }]);
  });

  it('suspends: no token from before logs in, and a later bar stays', () => {
    const before = person({ identities: [identity('i'), identity('j', { notBefore: NOW + 9 })] });
    const after = suspendUser(before, NOW);
    expect(after.user.suspended).toBe(true);
    expect(after.identities.map(({ notBefore }) => notBefore)).toEqual([NOW, NOW + 9]);
    expect(unsuspendUser(after).identities).toBe(after.identities);
  });

  it.each([
    [{ email: 'other@example.com' }, { email: 'other@example.com', emailVerified: false }],
    [
      { email: 'other@example.com', emailVerified: true },
      { email: 'other@example.com', emailVerified: true },
    ],
    [
      { email: null, emailVerified: true },
      { email: null, emailVerified: false },
    ],
    [{ email: '' }, { email: null, emailVerified: false }],
    [{ displayName: 'Ada' }, { displayName: 'Ada', emailVerified: true }],
  ])('edits a profile: %j', (edit, user) => {
    expect(editProfile(person(), edit).user).toMatchObject(user);
  });

  it('merges attributes by name, and names what changed', () => {
    const before = editProfile(person(), { attributes: { a: 1, b: { c: [1] } } });
    const after = editProfile(before, { attributes: { a: null, d: 'x' } });
    expect(after.user.attributes).toEqual({ b: { c: [1] }, d: 'x' });
    expect(changedFields(before.user, after.user).sort()).toEqual(['attributes.a', 'attributes.d']);
  });

  it('ends what has come to its end, at that very moment', () => {
    const block = { kind: 'role', key: 'x', adminId: 'a', reason: null, since: 1 } as const;
    const before = person({
      grants: [byHand('now', NOW), byHand('later', NOW + 1), byHand('never'), fromConnection('c', 'i')],
      blocks: [
        { ...block, until: NOW },
        { ...block, key: 'y', until: null },
      ],
    });
    const after = removeExpired(before, NOW);
    expect(after.grants.map(({ key }) => key)).toEqual(['later', 'never', 'c']);
    expect(after.blocks.map(({ key }) => key)).toEqual(['y']);
  });
});

describe('a merge', () => {
  const survivor = person({
    identities: [identity('i', { createdAt: 5 })],
    grants: [byHand('editor', 50), fromConnection('viewer', 'i')],
  });
  const other = person(
    {
      user: { ...blankUser('v', 't', 1), suspended: true },
      identities: [identity('j', { createdAt: 2 })],
      grants: [byHand('editor'), byHand('auditor', 7), fromConnection('viewer', 'j')],
      blocks: [{ kind: 'role', key: 'admin', adminId: 'a', reason: null, since: 1, until: null }],
    },
    'v',
  );
  const merged = mergePersons(survivor, other);

  it('moves identities, oldest first, with what came by them', () => {
    expect(merged.identities.map(({ id }) => id)).toEqual(['j', 'i']);
    expect(merged.grants.filter(({ source }) => source === 'connection')).toEqual([
      fromConnection('viewer', 'i'),
      fromConnection('viewer', 'j'),
    ]);
  });

  it('keeps the word that lasts longer, every block and a suspension', () => {
    expect(merged.grants.filter(({ source }) => source === 'admin')).toEqual([byHand('editor'), byHand('auditor', 7)]);
    expect(merged.blocks).toEqual(other.blocks);
    expect(merged.user).toEqual({ ...survivor.user, suspended: true });
  });
});

describe('a split', () => {
  it('gives the new user the identity and what came by it; grants by hand stay, blocks are with both', () => {
    const blocks = [{ kind: 'role', key: 'admin', adminId: 'a', reason: null, since: 1, until: null } as const];
    const before = person({
      identities: [identity('i'), identity('j')],
      grants: [byHand('editor'), fromConnection('viewer', 'i'), fromConnection('viewer', 'j')],
      blocks,
    });
    const { left, parted } = splitIdentity(before, 'j', { id: 'w', createdAt: NOW });
    expect(left.grants).toEqual([byHand('editor'), fromConnection('viewer', 'i')]);
    expect(left.identities.map(({ id }) => id)).toEqual(['i']);
    expect(parted.grants).toEqual([fromConnection('viewer', 'j')]);
    expect(parted).toMatchObject({ user: { id: 'w', version: 0, userName: null }, blocks });
    expect(left.blocks).toEqual(blocks);
  });
});

describe('a parked grant', () => {
  const parked = (key: string): AdminGrant => ({ ...byHand(key), parkedAt: NOW });

  it('counts again as it was when it is confirmed, and only what is named', () => {
    const before = person({ grants: [parked('editor'), parked('viewer')] });
    expect(confirmGrants(before, [EDITOR]).grants).toEqual([byHand('editor'), parked('viewer')]);
  });

  it('is confirmed by granting it anew, in the same words or in others', () => {
    const before = person({ grants: [parked('editor')] });
    expect(grantByHand(before, EDITOR, { ...word, reason: null }).grants).toEqual([
      { ...byHand('editor'), since: NOW },
    ]);
  });

  it('is taken away like any other', () => {
    expect(revokeByHand(person({ grants: [parked('editor')] }), EDITOR).grants).toEqual([]);
  });

  it('stays parked in a merge, but where the other user’s own counts', () => {
    const survivor = person({ grants: [parked('editor'), parked('viewer')] });
    const other = person({ grants: [byHand('editor', NOW + 9)] }, 'o');
    expect(mergePersons(survivor, other).grants).toEqual([parked('viewer'), byHand('editor', NOW + 9)]);
  });
});
