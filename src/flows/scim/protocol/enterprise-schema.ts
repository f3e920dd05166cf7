import { type SchemaDefinition, defineAttribute, defineComplex } from './schema.js';

export const ENTERPRISE_SCHEMA_URN = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

/** RFC 7643, sections 4.3 and 8.7.1. */
export const enterpriseSchema: SchemaDefinition = {
  id: ENTERPRISE_SCHEMA_URN,
  name: 'EnterpriseUser',
  description: 'What an organisation knows of a person who works for it.',
  attributes: [
    defineAttribute('employeeNumber', 'string', 'What the organisation numbers the person by.'),
    defineAttribute('costCenter', 'string', 'The cost center.'),
    defineAttribute('organization', 'string', 'The organisation.'),
    defineAttribute('division', 'string', 'The division.'),
    defineAttribute('department', 'string', 'The department.'),
    defineComplex('manager', 'Whom the person reports to.', [
      defineAttribute('value', 'string', "The id of the manager's account.", { caseExact: true }),
      defineAttribute('$ref', 'reference', "The address of the manager's account.", { referenceTypes: ['User'] }),
      defineAttribute('displayName', 'string', "The manager's name.", { mutability: 'readOnly' }),
    ]),
  ],
};
