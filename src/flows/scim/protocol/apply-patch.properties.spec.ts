import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ada, type Operation, patchUser } from '../../../../test/support/scim-patch.js';
import { ENTERPRISE_SCHEMA_URN } from './enterprise-schema.js';
import { leniencyOf } from './leniencies.js';
import type { ScimResource } from './read-resource.js';

const entra = leniencyOf('entra');

const type = fc.constantFrom('work', 'home', 'other');
const email = fc.record(
  { value: fc.constantFrom('a@x', 'b@x', 'c@x'), type, primary: fc.boolean(), display: fc.constantFrom('A', 'B') },
  { requiredKeys: ['value'] },
);
const op = fc.constantFrom('add', 'replace');
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ op, path: fc.constant('emails'), value: fc.array(email, { maxLength: 3 }) }),
  fc.record({ op, path: type.map((one) => `emails[type eq "${one}"].value`), value: fc.constantFrom('a@x', 'd@x') }),
  fc.record({ op, path: type.map((one) => `emails[type eq "${one}"]`), value: email }),
  fc.record({ op, path: type.map((one) => `emails[type eq "${one}"].primary`), value: fc.boolean() }),
  fc.record({ op: fc.constant('remove'), path: type.map((one) => `emails[type eq "${one}"]`) }),
  fc.record({ op: fc.constant('remove'), path: fc.constant('emails'), value: fc.array(email, { maxLength: 2 }) }),
  fc.record({
    op,
    path: fc.constantFrom('title', 'name.givenName', `${ENTERPRISE_SCHEMA_URN}:manager`),
    value: fc.constantFrom('a', '', 'b'),
  }),
  fc.record({
    op: fc.constant('remove'),
    path: fc.constantFrom('title', 'name', `${ENTERPRISE_SCHEMA_URN}:manager.value`),
  }),
);

describe('PATCH, as a property', () => {
  it('SCIM 35 several operations in one request do what they do one by one', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 8 }), (operations) => {
        const together = patchUser(ada, operations, entra);
        expect(operations.reduce<ScimResource>((resource, one) => patchUser(resource, [one], entra), ada)).toEqual(
          together,
        );
      }),
    );
  });

  it('SCIM 18 at most one entry is primary, and no two have the same value and type', () => {
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 8 }), (operations) => {
        const emails = (patchUser(ada, operations, entra).emails ?? []) as {
          value?: string;
          type?: string;
          primary?: boolean;
        }[];
        expect(emails.filter(({ primary }) => primary === true).length).toBeLessThan(2);
        const names = emails.filter(({ value }) => value !== undefined).map((one) => `${one.type} ${one.value}`);
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('SCIM 13, SCIM 39 to do again what an operation did changes nothing, and answers the same object', () => {
    // A filter need not meet what its own operation made of an entry.
    const repeatable = operation.filter(
      ({ op: name, path }) => !/\[.*\]$/.test(String(path)) && (name === 'add' || !String(path).includes('[')),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 4 }), repeatable, (operations, last) => {
        const start = operations.length === 0 ? ada : patchUser(ada, operations, entra);
        const once = patchUser(start, [last], entra);
        expect(patchUser(once, [last], entra)).toBe(once);
      }),
    );
  });
});
