import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenAPIObject } from '@nestjs/swagger';
import { OpenApiValidator, readExercisedOperations } from '../support/openapi-validator.js';
import { startApp, type TestApp } from '../support/start-app.js';

/** Runs after all other tests of a whole `npm test`, which leave behind what they called. */
describe('the tests of this run', () => {
  let rollcall: TestApp;
  beforeAll(async () => {
    rollcall = await startApp();
  });
  afterAll(() => rollcall.stop());

  it('called every documented operation with success, each answer as the document says', async () => {
    const { body } = await rollcall.http.get<OpenAPIObject>('/openapi.json');
    const exercised = readExercisedOperations(process.env.ROLLCALL_ANSWERS ?? '');
    const missing = new OpenApiValidator(body).operationNames.filter((name) => !exercised.has(name));
    expect(missing).toEqual([]);
  });
});
