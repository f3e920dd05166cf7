import { type ArgumentMetadata, type ValidationError, ValidationPipe } from '@nestjs/common';
import { escapePointer } from './json-body.js';
import { type Fault, Problem } from './problem.js';

/** A DTO class that knows at a glance bodies that are right: the libraries take longer over one than a login over the rest. */
interface Glancing {
  new (): object;
  /** Whether all of it is surely right. Of false nothing follows: then it is checked member by member. */
  isSurelyRight(body: object): boolean;
}

/** Checks bodies and queries against their DTO classes; names every fault at once, each at its field. */
export class BodyValidationPipe extends ValidationPipe {
  constructor() {
    super({
      whitelist: true,
      forbidNonWhitelisted: true,
      transform: true,
      stopAtFirstError: false,
      exceptionFactory: (errors) => new Problem('invalid_request', undefined, { faults: faultsOf(errors, '') }),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type === 'body' && value !== undefined && !isObject(value) && isDto(metadata.metatype)) {
      throw new Problem('invalid_request', undefined, { faults: [{ pointer: '', detail: 'must be an object' }] });
    }
    const { metatype } = metadata;
    if (isGlancing(metatype) && isObject(value) && metatype.isSurelyRight(value)) {
      return Object.assign(new metatype(), value);
    }
    try {
      return await (super.transform(value, metadata) as Promise<unknown>);
    } catch (error) {
      throw metadata.type === 'query' && error instanceof Problem ? asQueryFaults(error) : error;
    }
  }
}

function isGlancing(metatype: unknown): metatype is Glancing {
  return typeof (metatype as { isSurelyRight?: unknown } | undefined)?.isSurelyRight === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDto(metatype: ArgumentMetadata['metatype']): boolean {
  return metatype !== undefined && !([Object, Array, String, Number, Boolean] as unknown[]).includes(metatype);
}

function asQueryFaults(problem: Problem): Problem {
  const faults = (problem.options.faults ?? []).map((fault) => ({ ...fault, pointer: `?${fault.pointer.slice(1)}` }));
  return new Problem(problem.code, problem.detail, { ...problem.options, faults });
}

function faultsOf(errors: ValidationError[], path: string): Fault[] {
  return errors.flatMap((error) => {
    const pointer = `${path}/${escapePointer(String(error.property))}`;
    // What is not there has each fault that its kind can have; one says it.
    const details = Object.values(error.constraints ?? {}).map((each) =>
      error.value === undefined ? 'is needed' : each,
    );
    const own = [...new Set(details)].map((detail) => ({ pointer, detail }));
    return [...own, ...faultsOf(error.children ?? [], pointer)];
  });
}
