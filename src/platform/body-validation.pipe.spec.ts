import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsInt, IsString, ValidateNested } from 'class-validator';
import { BodyValidationPipe } from './body-validation.pipe.js';
import { Problem } from './problem.js';

class Part {
  @IsString() name: string;
}

class Whole {
  @IsString() title: string;
  @IsInt() count: number;
  @ValidateNested({ each: true })
  @Type(() => Part)
  'a/b': Part[];
}

class Listed {
  @IsArray() @ArrayMaxSize(3) @IsString({ each: true }) names: string[];
}

async function pointersOf(value: unknown, type: 'body' | 'query' = 'body'): Promise<unknown> {
  try {
    await new BodyValidationPipe().transform(value, { type, metatype: Whole });
    return [];
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [...new Set(error.options.faults?.map((fault) => fault.pointer))];
  }
}

describe('a body against its DTO', () => {
  it.each([
    ['as it should be', { title: 't', count: 1, 'a/b': [{ name: 'n' }] }, []],
    ['absent', undefined, ['/title', '/count']],
    [
      'wrong in several places',
      { title: 1, count: '1', 'a/b': [{ name: 1 }, {}] },
      ['/title', '/count', '/a~1b/0/name', '/a~1b/1/name'],
    ],
    ['with an unknown member', { title: 't', count: 1, 'a/b': [], more: 1 }, ['/more']],
    ['an array', [], ['']],
    ['null', null, ['']],
    ['a number', 3, ['']],
    ['text', 'x', ['']],
    ['true', true, ['']],
  ])('%s', async (_, value, pointers) => {
    expect(await pointersOf(value)).toEqual(pointers);
  });

  it('says once of what is not there that it is needed', async () => {
    const fault = async (value: object) => {
      const problem = new BodyValidationPipe().transform(value, { type: 'body', metatype: Listed });
      return problem.catch((error: Problem) => error.options.faults);
    };
    expect(await fault({})).toEqual([{ pointer: '/names', detail: 'is needed' }]);
    expect(await fault({ names: null })).toHaveLength(3);
  });

  it('names query parameters as such', async () => {
    expect(await pointersOf({ title: 't', count: 'x', 'a/b': [], more: '1' }, 'query')).toEqual(['?more', '?count']);
  });
});
