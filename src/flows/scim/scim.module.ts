import { Module } from '@nestjs/common';

/**
 * Owns the SCIM 2.0 server (RFC 7643, RFC 7644, RFC 9865) under `/scim/v2`: a connection as a directory of users and
 * groups, each write translated into statements. Does not own what follows from them (plan/), nor how they are written
 * (provisioning/).
 */
@Module({})
export class ScimModule {}
