import { describe, expect, it } from '@jest/globals';
import { presetNames } from '../../../records/connections/presets.js';
import { leniencyOf, leniencyTexts, scimPresets, type Leniencies, type LeniencyName } from './leniencies.js';

describe('leniencies', () => {
  const strict = scimPresets.rfc.leniencies;

  it('every value that a preset chooses is described to admins', () => {
    for (const { leniencies } of Object.values(scimPresets)) {
      for (const [name, value] of Object.entries(leniencies)) {
        expect(Object.keys(leniencyTexts[name as LeniencyName].values)).toContain(String(value));
      }
    }
  });

  it('each leniency is used by some preset, and is strict under rfc', () => {
    for (const [name, { values }] of Object.entries(leniencyTexts)) {
      const chosen = Object.values(scimPresets).map(({ leniencies }) => String(leniencies[name as keyof Leniencies]));
      expect(new Set(chosen).size).toBeGreaterThan(1);
      expect(String(strict[name as keyof Leniencies])).toBe(Object.keys(values)[0]);
    }
  });

  it('a preset that only logins know is read as rfc, and so is a name that objects are born with', () => {
    for (const name of presetNames) {
      if (!Object.hasOwn(scimPresets, name)) expect(leniencyOf(name)).toBe(strict);
    }
    expect(leniencyOf('constructor')).toBe(strict);
    expect(leniencyOf('entra').userPatchResponse).toBe('noContent');
  });
});
