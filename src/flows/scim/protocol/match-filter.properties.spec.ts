import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Filter } from './filter.js';
import { matchFilter } from './match-filter.js';
import { resolveFilter } from './resolve-filter.js';
import { userResourceType } from './resource-types.js';
import type { ResourceJson } from './stored-values.js';

/** As RFC 7644 says it, for one text attribute and one list, and without any of the code above. */
function naive(filter: Filter, resource: ResourceJson): boolean {
  if ('terms' in filter) {
    const verdicts = filter.terms.map((term) => naive(term, resource));
    return filter.kind === 'and' ? !verdicts.includes(false) : verdicts.includes(true);
  }
  if (filter.kind === 'not') return !naive(filter.term, resource);
  if (filter.kind === 'element') {
    return (resource.emails as ResourceJson[]).some((email) => naive(filter.filter, email));
  }
  const values = (
    filter.path.startsWith('emails.')
      ? (resource.emails as ResourceJson[]).map((email) => email[filter.path.slice(7)])
      : [resource[filter.path]]
  ) as (string | undefined)[];
  const some = values.filter((value) => value !== undefined && value !== '');
  if (filter.kind === 'present') return some.length > 0;
  if (filter.value === null) return (filter.operator === 'eq') === (some.length === 0);
  const asked = String(filter.value).toLowerCase();
  return (values.length === 0 ? [undefined] : values).some((value) => {
    const text = value?.toLowerCase();
    if (text === undefined) return filter.operator === 'ne';
    const verdicts = {
      eq: text === asked,
      ne: text !== asked,
      co: text.split(asked).length > 1 || asked === '',
      sw: text.slice(0, asked.length) === asked,
      ew: asked === '' || text.slice(-asked.length) === asked,
      gt: text > asked,
      ge: text >= asked,
      lt: text < asked,
      le: text <= asked,
    };
    return verdicts[filter.operator];
  });
}

describe('matching', () => {
  const text = fc.stringMatching(/^[abAB]{0,3}$/);
  const asked = fc.oneof(text, text, text, fc.constant(null));
  const leaf = (path: fc.Arbitrary<string>): fc.Arbitrary<Filter> =>
    fc.oneof(
      path.map((each) => ({ kind: 'present' as const, path: each })),
      fc.record({
        kind: fc.constant('compare' as const),
        path,
        operator: fc.constantFrom('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'),
        value: text,
      }),
      fc.record({
        kind: fc.constant('compare' as const),
        path,
        operator: fc.constantFrom('eq', 'ne'),
        value: asked,
      }),
    );
  const tree = (leaves: fc.Arbitrary<Filter>): fc.Arbitrary<Filter> =>
    fc.letrec<{ filter: Filter }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 3, depthSize: 'small' },
        leaves,
        fc.record({
          kind: fc.constantFrom('and' as const, 'or' as const),
          terms: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
        }),
        fc.record({ kind: fc.constant('not' as const), term: tie('filter') }),
      ),
    })).filter;
  const part = fc.constantFrom('value', 'type');
  const filters = tree(
    fc.oneof(
      leaf(fc.constantFrom('userName', 'title', 'emails.value', 'emails.type')),
      fc.record({ kind: fc.constant('element' as const), path: fc.constant('emails'), filter: tree(leaf(part)) }),
    ),
  );
  const email = fc.record({ value: text, type: text }, { requiredKeys: [] });
  const resources = fc
    .record({ userName: text, title: text, emails: fc.array(email, { maxLength: 3 }) }, { requiredKeys: ['emails'] })
    .map((each) => each as ResourceJson);

  it('agrees with a naive reading of the standard', () => {
    fc.assert(
      fc.property(filters, resources, (filter, resource) => {
        expect(matchFilter(resolveFilter(filter, userResourceType), resource)).toBe(naive(filter, resource));
      }),
      { numRuns: 3000 },
    );
  });
});
