import { HttpException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { problemBody } from './error-answer.js';
import { Problem } from './problem.js';
import { toProblem } from './problem.filter.js';

const coded = (code: string, message = 'x', statusCode?: number) =>
  Object.assign(new Error(message), { code, ...(statusCode ? { statusCode } : {}) });

describe('an error as a problem', () => {
  it.each([
    ['a problem', new Problem('conflict'), 'conflict', 409],
    ['a body that is too large', coded('FST_ERR_CTP_BODY_TOO_LARGE', 'x', 413), 'payload_too_large', 413],
    ['a media type', coded('FST_ERR_CTP_INVALID_MEDIA_TYPE', 'x', 415), 'unsupported_media_type', 415],
    ['a wrong Content-Length', coded('FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'x', 400), 'invalid_request', 400],
    ['a body cut off by the caller', coded('ECONNRESET', 'aborted'), 'invalid_request', 400],
    ['the database gone', coded('ECONNRESET', 'read ECONNRESET'), 'database_unavailable', 503],
    ['the database not there', coded('ECONNREFUSED'), 'database_unavailable', 503],
    ['an HTTP exception', new HttpException('no', 429), 'too_many_requests', 429],
    ['a fault of ours', new TypeError('x is undefined'), 'internal', 500],
    ['not even an error', 'oops', 'internal', 500],
    ['nothing', undefined, 'internal', 500],
  ])('%s', (_, error, code, status) => {
    const problem = toProblem(error);
    expect({ code: problem.code, status: problem.status }).toEqual({ code, status });
  });

  it('says nothing of the inside of a fault of ours', () => {
    const body = problemBody(toProblem(new Error('SELECT s3cret FROM users')), 'r1');
    expect(body).toEqual({
      type: 'urn:rollcall:problem:internal',
      code: 'internal',
      title: 'Something failed on our side.',
      status: 500,
      requestId: 'r1',
    });
  });
});
