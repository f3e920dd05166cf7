import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { commonAttributes } from './protocol/find-attribute.js';
import type { AttributeDefinition, ResourceType } from './protocol/schema.js';

type Described = Record<string, unknown>;

/**
 * Gives a class the attributes of a resource type as its properties in the OpenAPI document, so that it says what the
 * published schemas say.
 *
 * @param direction what is told of a resource, or what a client may state of it
 */
export function describeResource(target: object, type: ResourceType, direction: 'answer' | 'body'): void {
  const core = [...commonAttributes, ...type.schema.attributes].filter((each) => isPartOf(each, direction));
  for (const attribute of core) {
    const isRequired =
      attribute.name === 'schemas' || (direction === 'answer' ? attribute.name === 'id' : attribute.required);
    addProperty(target, attribute.name, { ...describe(attribute, direction), required: isRequired });
  }
  for (const { schema } of type.schemaExtensions) {
    const properties = propertiesOf(schema.attributes, direction);
    addProperty(target, schema.id, { type: 'object', description: schema.description, properties, required: false });
  }
}

function addProperty(target: object, name: string, options: Described): void {
  ApiProperty(options as ApiPropertyOptions)(target, name);
}

function isPartOf({ mutability, returned }: AttributeDefinition, direction: 'answer' | 'body'): boolean {
  return direction === 'answer' ? returned !== 'never' : mutability !== 'readOnly';
}

function describe(attribute: AttributeDefinition, direction: 'answer' | 'body'): Described {
  const { description, multiValued } = attribute;
  const one = describeOne(attribute, direction);
  return multiValued ? { description, type: 'array', items: one } : { description, ...one };
}

function describeOne({ type, subAttributes = [] }: AttributeDefinition, direction: 'answer' | 'body'): Described {
  switch (type) {
    case 'complex':
      return { type: 'object', properties: propertiesOf(subAttributes, direction) };
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return { type: 'integer' };
    case 'decimal':
      return { type: 'number' };
    case 'dateTime':
      return { type: 'string', format: 'date-time' };
    case 'string':
    case 'reference':
    case 'binary':
      return { type: 'string' };
  }
}

function propertiesOf(attributes: readonly AttributeDefinition[], direction: 'answer' | 'body'): Described {
  return Object.fromEntries(
    attributes.filter((each) => isPartOf(each, direction)).map((each) => [each.name, describe(each, direction)]),
  );
}
