import { describe, expect, it } from '@jest/globals';
import { RouteTable } from './route-table.js';

describe('the table of routes', () => {
  const table = new RouteTable();
  table.add('/users', ['GET', 'HEAD']);
  table.add('/users', ['POST']);
  table.add('/users/:id', ['DELETE']);
  table.add('/users/export.csv', ['GET']);
  table.add('/docs/*', ['GET']);

  it.each([
    ['/users', ['GET', 'HEAD', 'POST']],
    ['/users/1', ['DELETE']],
    ['/users/export.csv', ['DELETE', 'GET']],
    ['/users/1/2', []],
    ['/docs/a/b', ['GET']],
    ['/', []],
  ])('knows the methods at %s', (path, methods) => {
    expect(table.methodsAt(path)).toEqual(methods);
  });

  it('takes no character of a template for more than itself', () => {
    expect(table.methodsAt('/users/exportxcsv')).toEqual(['DELETE']);
  });
});
