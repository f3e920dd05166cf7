import { ValidateBy, type ValidationArguments } from 'class-validator';
import { readRecord } from '../../plan/record.js';
import { findEmailFault, findNameFault, findTextFault } from '../../plan/record-text.js';
import { parseTime } from '../../platform/clock.js';
import { normaliseKey } from '../../platform/text-key.js';

const NAME_CHARS_MAX = 255;
const REASON_CHARS_MAX = 500;
const HELD_KEYS_MAX = 200;

type FindFault = (value: unknown) => string | null;

/** The same texts that a sync record may hold, by the same rules. */
function IsText(name: string, findFault: FindFault): PropertyDecorator {
  return ValidateBy({
    name,
    validator: {
      validate: (value: unknown) => findFault(value) === null,
      defaultMessage: (args?: ValidationArguments) => `${args?.property} ${findFault(args?.value)}`,
    },
  });
}

export const IsUserName = (): PropertyDecorator => IsText('isUserName', findUserNameFault);
export const IsPersonName = (): PropertyDecorator =>
  IsText('isPersonName', (value) => findKeyFault(value, (text) => findTextFault(text, NAME_CHARS_MAX)));
export const IsEmailAddress = (): PropertyDecorator =>
  IsText('isEmailAddress', (value) => (value === '' ? null : findKeyFault(value, findEmailFault)));
export const IsReason = (): PropertyDecorator =>
  IsText('isReason', (value) =>
    typeof value === 'string' ? findTextFault(value, REASON_CHARS_MAX) : 'must be a text',
  );
/** A prefix to search by. */
export const IsSearchText = (): PropertyDecorator =>
  IsText('isSearchText', (value) =>
    typeof value === 'string' && value !== '' ? findTextFault(value, NAME_CHARS_MAX) : 'must be a text',
  );
export const IsHeldKey = (): PropertyDecorator =>
  IsText('isHeldKey', (value) => (typeof value === 'string' ? findHeldKeyFault(value) : 'must be a text'));
export const IsHeldKeys = (): PropertyDecorator =>
  IsText('isHeldKeys', (value) => {
    if (!Array.isArray(value) || value.length > HELD_KEYS_MAX)
      return `must be a list of at most ${HELD_KEYS_MAX} texts`;
    if (!value.every((each) => typeof each === 'string')) return 'must be a list of texts';
    return value.reduce<string | null>((fault, text) => fault ?? findHeldKeyFault(text), null);
  });
export const IsTime = (): PropertyDecorator =>
  IsText('isTime', (value) =>
    typeof value === 'string' && parseTime(value) !== null
      ? null
      : 'must be a time such as 2026-11-21T10:00:00Z (RFC 3339)',
  );
export const IsAttributes = (): PropertyDecorator => IsText('isAttributes', findAttributesFault);

/** What is wrong with a role's key or an entitlement's text; null if nothing. */
export function findHeldKeyFault(text: string): string | null {
  return findNameFault(text, NAME_CHARS_MAX);
}

function findUserNameFault(value: unknown): string | null {
  return findKeyFault(value, (text) => findNameFault(text, NAME_CHARS_MAX));
}

/** Folding can make a text longer (one letter becomes 18), and the key must fit its column too. */
function findKeyFault(value: unknown, findFault: (text: string) => string | null): string | null {
  if (typeof value !== 'string') return 'must be a text';
  const fault = findFault(value);
  if (fault) return fault;
  return normaliseKey(value).length > NAME_CHARS_MAX ? `is longer than ${NAME_CHARS_MAX} characters when folded` : null;
}

function findAttributesFault(value: unknown): string | null {
  const [fault] = readRecord({ externalId: 'any', attributes: value }, 0).faults;
  if (!fault) return null;
  const name = fault.pointer.slice('/attributes'.length);
  return name === '' ? fault.detail : `at ${name}: ${fault.detail}`;
}
