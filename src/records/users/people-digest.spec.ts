import { describe, expect, it } from '@jest/globals';
import { PeopleDigest } from './people-digest.js';

function digestOf(people: [string, number][]): PeopleDigest {
  const digest = new PeopleDigest();
  for (const [id, at] of people) digest.add(id, at);
  return digest;
}

describe('a digest of people', () => {
  const people: [string, number][] = [
    ['a', 1],
    ['b', 2],
    ['c', 2],
  ];

  it('is the same in any order', () => {
    expect(digestOf([...people].reverse())).toEqual(digestOf(people));
    expect(digestOf(people)).toMatchObject({ count: 3, text: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  it.each<[string, [string, number][]]>([
    ['one is missing', people.slice(1)],
    ['one is more', [...people, ['d', 1]]],
    ['one is older', [['a', 0], ...people.slice(1)]],
    [
      'two have each other’s times',
      [
        ['a', 2],
        ['b', 1],
        ['c', 2],
      ],
    ],
    ['an id and a time are cut elsewhere', [['a 1', 1], ...people.slice(1)]],
  ])('differs where %s', (_, others) => {
    expect(digestOf(others).text).not.toBe(digestOf(people).text);
  });
});
