import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type EventSkeleton, GENESIS, orderEvents, sealEvent, SKELETON_COLUMNS } from './seal-event.js';

const event: EventSkeleton = {
  id: '0193a000-0000-7000-8000-000000000001',
  tenantId: 't1',
  type: 'user.created',
  at: 1_700_000_000_000_000,
  subjectType: 'user',
  subjectId: 'u1',
  subjectVersion: 1,
  actorType: 'system',
  actorId: 'system',
  via: 'sync',
  runId: null,
  reason: null,
  fields: '["roles"]',
  personalDigest: null,
};

describe('the seal of an event', () => {
  it('stays what it was in every release', () => {
    expect(sealEvent(GENESIS, 1, event)).toBe('yMBg3zHZs1czPSdSz9SsbpKjSzRy1RNEn3oVxwfvUbE');
  });

  it.each(SKELETON_COLUMNS)('changes with %s', (column) => {
    const value = event[column];
    const altered = { ...event, [column]: typeof value === 'number' ? value + 1 : `${value}x` };
    expect(sealEvent(GENESIS, 1, altered)).not.toBe(sealEvent(GENESIS, 1, event));
  });

  it('changes with the number and with the seal before', () => {
    const seals = [sealEvent(GENESIS, 1, event), sealEvent(GENESIS, 2, event), sealEvent('other', 1, event)];
    expect(new Set(seals).size).toBe(3);
  });

  it('tells null from the empty text, and text at the end of one column from text at the start of the next', () => {
    const seal = (change: Partial<EventSkeleton>): string => sealEvent(GENESIS, 1, { ...event, ...change });
    expect(seal({ reason: '' })).not.toBe(seal({ reason: null }));
    expect(seal({ subjectType: 'us', subjectId: 'eru1' })).not.toBe(seal({ subjectType: 'use', subjectId: 'ru1' }));
  });
});

describe('the order of numbers', () => {
  const placed = fc.record({
    id: fc.uuid({ version: 7 }),
    tenantId: fc.constantFrom('t1', 't2'),
    subjectType: fc.constant('user'),
    subjectId: fc.constantFrom('u1', 'u2', 'u3'),
    subjectVersion: fc.integer({ min: 0, max: 6 }),
  });
  const events = fc.uniqueArray(placed, { selector: (each) => each.id, maxLength: 30 });

  it('has every event once', () => {
    fc.assert(
      fc.property(events, (some) => {
        expect(
          orderEvents(some)
            .map((each) => each.id)
            .sort(),
        ).toEqual(some.map((each) => each.id).sort());
      }),
    );
  });

  it("follows a subject's versions, whatever the clocks said, and the ids within one version", () => {
    fc.assert(
      fc.property(events, (some) => {
        const last = new Map<string, (typeof some)[number]>();
        for (const each of orderEvents(some)) {
          if (each.subjectVersion === 0) continue;
          const before = last.get(each.tenantId + each.subjectId);
          if (before) {
            const sorted = [before.subjectVersion, each.subjectVersion].sort();
            expect([before.subjectVersion, each.subjectVersion]).toEqual(sorted);
            if (before.subjectVersion === each.subjectVersion) expect(before.id < each.id).toBe(true);
          }
          last.set(each.tenantId + each.subjectId, each);
        }
      }),
    );
  });

  it('leaves attempts, which have version 0, in their place', () => {
    fc.assert(
      fc.property(events, (some) => {
        const sorted = some.map((each) => each.id).sort();
        orderEvents(some).forEach((each, index) => {
          if (each.subjectVersion === 0) expect(each.id).toBe(sorted[index]);
        });
      }),
    );
  });

  it('does not depend on the order in which the rows were read', () => {
    fc.assert(fc.property(events, (some) => expect(orderEvents([...some].reverse())).toEqual(orderEvents(some))));
  });
});
