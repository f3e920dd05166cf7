import { enterpriseSchema } from './enterprise-schema.js';
import { groupSchema } from './group-schema.js';
import type { ResourceType } from './schema.js';
import { userSchema } from './user-schema.js';

export const userResourceType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'A person.',
  schema: userSchema,
  schemaExtensions: [{ schema: enterpriseSchema, required: false }],
};

export const groupResourceType: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'A group of people.',
  schema: groupSchema,
  schemaExtensions: [],
};

export const resourceTypes: readonly ResourceType[] = [userResourceType, groupResourceType];
