import { applyDecorators } from '@nestjs/common';
import { IsString, Matches, MaxLength, MinLength } from 'class-validator';

/**
 * What a name may not hold: control characters (NUL, line breaks, escapes), and halves of surrogate pairs, which no
 * database stores as they came.
 */
const PLAIN = /^[^\p{Cc}\p{Cs}]*$/u;
const TRIMMED = /^(?!\s)[^]*(?<!\s)$/u;

/** A text for people, from 1 to `lengthMax` UTF-16 units, without control characters or spaces around it. */
export function IsPlainText(lengthMax: number): PropertyDecorator {
  return applyDecorators(
    IsString(),
    MinLength(1),
    MaxLength(lengthMax),
    Matches(PLAIN, { message: '$property must not hold control characters or halves of surrogate pairs' }),
    Matches(TRIMMED, { message: '$property must not begin or end with a space' }),
  );
}

/** The same, or empty: a description. */
export function IsPlainTextOrEmpty(lengthMax: number): PropertyDecorator {
  return applyDecorators(
    IsString(),
    MaxLength(lengthMax),
    Matches(/^[^\p{Cs}]*$/u, { message: '$property must not hold halves of surrogate pairs' }),
    Matches(/^[^\0]*$/, { message: '$property must not hold NUL' }),
  );
}
