// Uses each function of a client that @hey-api/openapi-ts generated from /openapi.json.
import { client } from './client/client.gen';
import * as engage from './client/sdk.gen';

declare const process: { argv: string[] };
const [baseUrl, apikey, contactId] = process.argv.slice(2);

function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

async function listIds(schemaId: string): Promise<string[]> {
  const ids: string[] = [];
  let continuation: string | undefined;
  do {
    const { data } = await engage.listInteractionsV3({
      query: { contactId, schemaId, continuation },
      throwOnError: true,
    });
    ids.push(...data.items.map((item) => item.id));
    const href = data.links[0]?.href;
    continuation = href && (new URL(href, baseUrl).searchParams.get('continuation') ?? undefined);
  } while (continuation);
  return ids;
}

async function main(): Promise<void> {
  client.setConfig({ baseUrl, auth: apikey });
  const search = { email: 'test.contact.1@example.com', contactType: 'Member' };
  const { data: foundId } = await engage.findContactV3({ query: search, throwOnError: true });
  assert(foundId === contactId, 'the search returned another contact');
  const contact = await engage.getContactV3({ path: { contact_id: foundId }, throwOnError: true });
  assert(contact.data.meta.contactType === 'Member', 'the contact has another type');
  const several = await engage.findContactV3({ query: { any: 'family@example.com' } });
  assert(several.error?.messageDetails.multipleMatchesFound?.length === 2, 'not two matches');
  const window = { fromDate: '2020-01-01T00:00:00Z', toDate: '2099-01-01T00:00:00Z' };
  const changes = await engage.listContactChangesV3({
    query: { changeType: 'Created', ...window },
    throwOnError: true,
  });
  const count = await engage.countContactsV3({ throwOnError: true });
  assert(changes.data.length === count.data, 'not every contact was created');

  const schema = await engage.createSchemaV3({
    body: {
      id: 'typescript',
      displayName: 'From TypeScript',
      jsonSchema: {
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        properties: { count: { type: 'integer', addToSegmentation: 'true' } },
        required: ['count'],
      },
    },
    throwOnError: true,
  });
  const schemaId = schema.data.id;
  const schemas = await engage.listSchemasV3({ throwOnError: true });
  assert(schemas.data.some((schema) => schema.id === schemaId), 'the list lacks the schema');
  const stored = await engage.getSchemaV3({ path: { schema_id: schemaId }, throwOnError: true });
  assert(stored.data.displayName === 'From TypeScript', 'the schema has another name');

  const sent: string[] = [];
  for (let count = 0; count < 120; count++) {
    const { data } = await engage.createInteractionV3({
      body: { contactId, schemaId, createdDate: '2026-03-14T09:00:00Z', payload: { count } },
      throwOnError: true,
    });
    assert('id' in data, 'the answer has no id');
    sent.push(data.id);
  }
  assert((await listIds(schemaId)).sort().join() === sent.sort().join(), 'the list lacks interactions');
  const path = { interaction_id: sent[0] };
  const interaction = await engage.getInteractionV3({ path, throwOnError: true });
  assert(typeof interaction.data.payload.count === 'number', 'the payload has no count');
  await engage.deleteInteractionV3({ path, throwOnError: true });
  const deleted = await engage.getInteractionV3({ path });
  assert(deleted.error?.errorCode === 'InteractionNotFound', 'the error has another code');
  assert(deleted.response?.status === 404, 'the status is not 404');

  // @ts-expect-error the payload is missing
  const body: Parameters<typeof engage.createInteractionV3>[0]['body'] = { contactId, schemaId };
  const refused = await engage.createInteractionV3({ body });
  const violation = refused.error?.messageDetails.violations[0];
  assert(violation?.rule === 'required' && violation.pointer === '/payload', 'no violation');
  await engage.deleteSchemaV3({ path: { schema_id: schemaId }, throwOnError: true });
  const { error } = await engage.listInteractionsV3({ query: { contactId, schemaId } });
  assert(error?.errorCode === 'SchemaNotFound', 'the schema still exists');
  const unauthorized = await engage.listSchemasV3({ auth: 'wrong' });
  assert(unauthorized.error?.errorCode === 'InvalidApiKey', 'the wrong key was accepted');
  console.log(`${sent.length} sent and listed`);
}

void main();
