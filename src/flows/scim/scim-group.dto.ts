import { groupResourceType } from './protocol/resource-types.js';
import { ScimPageView } from './scim.dto.js';
import { describeResource } from './scim-schema-docs.js';

/** A group as SCIM tells it (RFC 7643, section 4.2). */
export class ScimGroupView {}
describeResource(ScimGroupView.prototype, groupResourceType, 'answer');

/** A group as a client states it; what is readOnly is passed over. */
export class ScimGroupBody {}
describeResource(ScimGroupBody.prototype, groupResourceType, 'body');

/** A page of groups. */
export class ScimGroupListView extends ScimPageView {
  Resources: ScimGroupView[];
}
