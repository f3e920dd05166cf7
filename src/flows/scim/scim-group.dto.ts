import { OmitType } from '@nestjs/swagger';
import { groupResourceType } from './protocol/resource-types.js';
import { ScimUserListView } from './scim.dto.js';
import { describeResource } from './scim-schema-docs.js';

/** A group as SCIM tells it (RFC 7643, section 4.2). */
export class ScimGroupView {}
describeResource(ScimGroupView.prototype, groupResourceType, 'answer');

/** A group as a client states it; what is readOnly is passed over. */
export class ScimGroupBody {}
describeResource(ScimGroupBody.prototype, groupResourceType, 'body');

/** A page of groups (RFC 7644, section 3.4.2). */
export class ScimGroupListView extends OmitType(ScimUserListView, ['Resources'] as const) {
  Resources: ScimGroupView[];
}
