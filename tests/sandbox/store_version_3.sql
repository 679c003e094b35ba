-- The tables of version 3 of the sandbox's database file, with a contact and an interaction.
CREATE TABLE contacts (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE schemas (
        id TEXT PRIMARY KEY, display_name TEXT NOT NULL, json_schema TEXT NOT NULL);
CREATE TABLE interactions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        contact_id TEXT NOT NULL REFERENCES contacts ON DELETE CASCADE,
        schema_id TEXT NOT NULL REFERENCES schemas ON DELETE CASCADE,
        created_date TEXT NOT NULL,
        arrived TEXT NOT NULL,
        payload TEXT NOT NULL);
CREATE INDEX newest ON interactions (contact_id, schema_id, created_date, seq);
CREATE INDEX shuffled ON interactions (contact_id, schema_id, id);
CREATE INDEX interactions_of_schema ON interactions (schema_id, created_date, contact_id);
CREATE INDEX timeline ON interactions (contact_id, created_date, seq);
CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        arrived TEXT NOT NULL,
        outcome TEXT NOT NULL,
        interaction_id TEXT,
        error_code TEXT,
        violations TEXT NOT NULL,
        body BLOB NOT NULL,
        stored_payload TEXT);
CREATE INDEX incomplete ON arrivals (seq) WHERE outcome <> 'stored';
CREATE VIEW incomplete_arrivals AS SELECT * FROM arrivals WHERE outcome <> 'stored';
CREATE INDEX arrivals_of_interaction ON arrivals (interaction_id);
CREATE TABLE blob_storage (
        arrival INTEGER NOT NULL REFERENCES arrivals,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        rules TEXT NOT NULL,
        reason TEXT NOT NULL);
CREATE INDEX blobs_of_arrival ON blob_storage (arrival);
CREATE TABLE keys (key TEXT PRIMARY KEY);
CREATE TABLE automations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        schema_id TEXT,
        property TEXT,
        value TEXT,
        url TEXT);
CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        automation INTEGER NOT NULL REFERENCES automations ON DELETE CASCADE,
        interaction_id TEXT NOT NULL,
        contact_id TEXT NOT NULL,
        schema_id TEXT NOT NULL,
        ran TEXT NOT NULL,
        result TEXT NOT NULL);
PRAGMA application_id = 1162757891;
INSERT INTO contacts VALUES ('old', 'Old Contact');
INSERT INTO schemas VALUES ('favourite', 'Favourites', '{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"productSku": {"type": "string"}}}');
INSERT INTO interactions VALUES (1, '22222222-2222-4222-8222-222222222222', 'old', 'favourite', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '{"productSku": "1"}');
INSERT INTO keys VALUES ('old-key');
