import { Module } from '@nestjs/common';
import { PersonWriter } from './person-writer.js';

/**
 * Owns persons: users with their identities, grants and blocks; how they are loaded and written; their REST face.
 * Does not own what follows from a statement (plan/) nor how statements arrive (flows/).
 */
@Module({ providers: [PersonWriter], exports: [PersonWriter] })
export class UsersModule {}
