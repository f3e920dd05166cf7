import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { ValidateBy, type ValidationArguments } from 'class-validator';

/** What is wrong with a text for people, in words that follow its name; null if nothing is. */
export function plainTextFault(value: unknown, lengthMin: number, lengthMax: number, lines: boolean): string | null {
  if (typeof value !== 'string') return 'must be a string';
  if (value.length < lengthMin) return 'must not be empty';
  if (value.length > lengthMax) return `must have at most ${lengthMax} characters`;
  // Halves of surrogate pairs come back from no database as they went in.
  if (!value.isWellFormed()) return 'must not hold halves of surrogate pairs';
  if (lines ? /[^\P{Cc}\n\r\t]/u.test(value) : /\p{Cc}/u.test(value)) return 'must not hold control characters';
  if (value.trim() !== value) return 'must not begin or end with a space';
  return null;
}

/** A name: from 1 to `lengthMax` UTF-16 units on one line, no space at its ends. */
export function IsPlainText(lengthMax: number): PropertyDecorator {
  return decorator(1, lengthMax, false);
}

/** A description: it may be empty, and have lines. */
export function IsPlainTextOrEmpty(lengthMax: number): PropertyDecorator {
  return decorator(0, lengthMax, true);
}

function decorator(lengthMin: number, lengthMax: number, lines: boolean): PropertyDecorator {
  const faultOf = (value: unknown) => plainTextFault(value, lengthMin, lengthMax, lines);
  return applyDecorators(
    ApiProperty({ minLength: lengthMin, maxLength: lengthMax }),
    ValidateBy({
      name: 'isPlainText',
      validator: {
        validate: (value) => faultOf(value) === null,
        defaultMessage: (about?: ValidationArguments) => `${about?.property} ${faultOf(about?.value)}`,
      },
    }),
  );
}
