import { describe, expect, it } from '@jest/globals';
import { originFaults } from './origin-rules.js';

describe('origins of an application', () => {
  it.each([
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://localhost:5173',
    'http://127.0.0.1:80801',
  ])('%s: judged as browsers would', (origin) =>
    expect(originFaults([origin])).toHaveLength(origin.endsWith('80801') ? 1 : 0),
  );

  it.each([
    '*',
    'null',
    'app.example.com',
    'https://app.example.com/',
    'https://app.example.com:443',
    'https://APP.example.com',
    'http://app.example.com',
    'https://u:p@app.example.com',
    'javascript:alert(1)',
    'ftp://localhost',
  ])('%s is refused', (origin) => expect(originFaults([origin])).toMatchObject([{ pointer: '/origins/0' }]));

  it('are all judged', () => {
    expect(originFaults(['x', 'https://a.example', 'y'])).toMatchObject([
      { pointer: '/origins/0' },
      { pointer: '/origins/2' },
    ]);
  });
});
