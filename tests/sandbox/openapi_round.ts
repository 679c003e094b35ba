// The round of a client that @hey-api/openapi-ts has made of /openapi.json; tsc judges its types.
import { client } from './client/client.gen';
import * as engage from './client/sdk.gen';

declare const process: { argv: string[] };
const [baseUrl, apikey, contactId] = process.argv.slice(2);

function demand(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(what);
}

async function pages(schemaId: string): Promise<string[]> {
  const found: string[] = [];
  let continuation: string | undefined;
  do {
    const { data } = await engage.listInteractionsV3({
      query: { contactId, schemaId, continuation },
      throwOnError: true,
    });
    found.push(...data.items.map((it) => it.id));
    const href = data.links[0]?.href;
    continuation = href && (new URL(href, baseUrl).searchParams.get('continuation') ?? undefined);
  } while (continuation);
  return found;
}

async function round(): Promise<void> {
  client.setConfig({ baseUrl, auth: apikey });
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
  demand(schemas.data.some((it) => it.id === schemaId), 'the schema is not listed');
  const read = await engage.getSchemaV3({ path: { schema_id: schemaId }, throwOnError: true });
  demand(read.data.displayName === 'From TypeScript', 'the schema is not read');

  const sent: string[] = [];
  for (let count = 0; count < 120; count++) {
    const { data } = await engage.createInteractionV3({
      body: { contactId, schemaId, createdDate: '2026-03-14T09:00:00Z', payload: { count } },
      throwOnError: true,
    });
    demand('id' in data, 'nothing was created');
    sent.push(data.id);
  }
  demand((await pages(schemaId)).sort().join() === sent.sort().join(), 'a page is missing');
  const path = { interaction_id: sent[0] };
  const one = await engage.getInteractionV3({ path, throwOnError: true });
  demand(typeof one.data.payload.count === 'number', 'the payload is not read');
  await engage.deleteInteractionV3({ path, throwOnError: true });
  const gone = await engage.getInteractionV3({ path });
  demand(gone.error?.errorCode === 'InteractionNotFound', 'no typed error');
  demand(gone.response?.status === 404, 'no documented status');

  // @ts-expect-error a member is missing
  const body: Parameters<typeof engage.createInteractionV3>[0]['body'] = { contactId, schemaId };
  const refused = await engage.createInteractionV3({ body });
  demand(refused.error?.messageDetails.reasons[0] === 'payload: must be an object', 'no reason');
  await engage.deleteSchemaV3({ path: { schema_id: schemaId }, throwOnError: true });
  const { error } = await engage.listInteractionsV3({ query: { contactId, schemaId } });
  demand(error?.errorCode === 'SchemaNotFound', 'the schema is still there');
  const stranger = await engage.listSchemasV3({ auth: 'wrong' });
  demand(stranger.error?.errorCode === 'InvalidApiKey', 'no typed error for a wrong key');
  console.log(`${sent.length} sent and read`);
}

void round();
