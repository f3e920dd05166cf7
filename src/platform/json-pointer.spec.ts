import { describe, expect, it } from '@jest/globals';
import { isPointer, readPointer } from './json-pointer.js';

const document = {
  '': 1,
  'a/b': 2,
  'm~n': 3,
  list: ['x', { name: 'y', tags: ['s', 't'] }, { name: 'z' }],
  none: null,
};

describe('a JSON pointer', () => {
  it.each([
    ['', document],
    ['/', 1],
    ['/a~1b', 2],
    ['/m~0n', 3],
    ['/list/0', 'x'],
    ['/list/1/name', 'y'],
    ['/none', null],
    ['/none/more', undefined],
    ['/list/01', undefined],
    ['/list/-', undefined],
    ['/list/9', undefined],
    ['/toString', undefined],
    ['/__proto__', undefined],
    ['/constructor/name', undefined],
    ['/list/*/name', ['y', 'z']],
    ['/list/*/tags/*', ['s', 't']],
    ['/*', undefined],
  ])('%s leads to %j', (pointer, expected) => {
    expect(readPointer(document, pointer)).toEqual(expected);
  });

  it('looks at so many items of lists as it is allowed to, altogether', () => {
    const allowance = { items: 5 };
    expect(readPointer(document, '/list/*/tags/*', allowance)).toEqual(['s', 't']);
    expect([allowance.items, readPointer(document, '/list/*', allowance), allowance.items]).toEqual([0, undefined, -3]);
  });

  it.each([
    ['', true],
    ['/a/b', true],
    ['/a~1b~0', true],
    ['a', false],
    ['/a~2', false],
    ['/a~', false],
  ])('%j is one: %j', (text, expected) => {
    expect(isPointer(text)).toBe(expected);
  });
});
