-- The tables of version 4 of the sandbox's database file, with a contact and five arrivals.
CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        arrived TEXT NOT NULL,
        outcome TEXT NOT NULL,
        interaction_id TEXT,
        error_code TEXT,
        violations TEXT NOT NULL,
        body BLOB NOT NULL,
        stored_payload TEXT);
INSERT INTO "arrivals" VALUES(1,'2026-03-14T09:00:00.000Z','stored','7cd28d4f-4f44-4e3d-8dbd-564a731ce661',NULL,'[]',X'7B22636F6E746163744964223A226F6C64222C22736368656D614964223A226661766F7572697465222C227061796C6F6164223A7B2270726F64756374536B75223A2231227D7D','{"productSku": "1"}');
INSERT INTO "arrivals" VALUES(2,'2026-03-14T09:00:00.000Z','dropped','61ac01e7-4f0c-4fca-93a3-af30b4b0fe05',NULL,'[]',X'7B22636F6E746163744964223A226F6C64222C22736368656D614964223A226661766F7572697465222C227061796C6F6164223A7B2270726F64756374536B75223A2231222C227072696365223A2264656172222C226578747261223A747275657D7D','{"productSku": "1"}');
INSERT INTO "arrivals" VALUES(3,'2026-03-14T09:00:00.000Z','refused',NULL,'InvalidInteraction','[["required", "/payload/productSku", "''productSku'' is a required property"]]',X'7B22636F6E746163744964223A226F6C64222C22736368656D614964223A226661766F7572697465222C227061796C6F6164223A7B227072696365223A317D7D',NULL);
INSERT INTO "arrivals" VALUES(4,'2026-03-14T09:00:00.000Z','refused',NULL,'MalformedRequest','[["json", "", "the body is not valid JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"]]',X'7B6E6F6E73656E7365',NULL);
INSERT INTO "arrivals" VALUES(5,'2026-03-14T09:00:00.000Z','ignored',NULL,NULL,'[["required", "/payload/productSku", "''productSku'' is a required property"]]',X'7B22636F6E746163744964223A226F6C64222C22736368656D614964223A226661766F7572697465222C227061796C6F6164223A7B227072696365223A317D7D',NULL);
CREATE TABLE automations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        schema_id TEXT,
        property TEXT,
        value TEXT,
        url TEXT);
CREATE TABLE blob_storage (
        arrival INTEGER NOT NULL REFERENCES arrivals,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        rules TEXT NOT NULL,
        reason TEXT NOT NULL);
INSERT INTO "blob_storage" VALUES(2,'price','"dear"','["type"]','is not of type number');
INSERT INTO "blob_storage" VALUES(2,'extra','true','["undeclared"]','is not declared in the schema');
CREATE TABLE contact_changes (
        change TEXT NOT NULL,
        at TEXT NOT NULL,
        contact_id TEXT NOT NULL REFERENCES contacts ON DELETE CASCADE);
INSERT INTO "contact_changes" VALUES('Created','2026-03-14T09:00:00.000Z','old');
CREATE TABLE contacts (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        email TEXT,
        mobile_phone TEXT,
        social_security_number TEXT,
        custom_key TEXT,
        contact_type TEXT NOT NULL DEFAULT 'Member',
        email_key TEXT,
        phone_key TEXT,
        social_security_key TEXT,
        deleted TEXT);
INSERT INTO "contacts" VALUES('old','Old Contact','old@example.com',NULL,NULL,NULL,'Member','old@example.com',NULL,NULL,NULL);
CREATE TABLE interactions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        contact_id TEXT NOT NULL REFERENCES contacts ON DELETE CASCADE,
        schema_id TEXT NOT NULL REFERENCES schemas ON DELETE CASCADE,
        created_date TEXT NOT NULL,
        arrived TEXT NOT NULL,
        payload TEXT NOT NULL);
INSERT INTO "interactions" VALUES(1,'7cd28d4f-4f44-4e3d-8dbd-564a731ce661','old','favourite','2026-03-14T09:00:00.000Z','2026-03-14T09:00:00.000Z','{"productSku": "1"}');
INSERT INTO "interactions" VALUES(2,'61ac01e7-4f0c-4fca-93a3-af30b4b0fe05','old','favourite','2026-03-14T09:00:00.000Z','2026-03-14T09:00:00.000Z','{"productSku": "1"}');
CREATE TABLE keys (key TEXT PRIMARY KEY);
INSERT INTO "keys" VALUES('old-key');
CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        automation INTEGER NOT NULL REFERENCES automations ON DELETE CASCADE,
        interaction_id TEXT NOT NULL,
        contact_id TEXT NOT NULL,
        schema_id TEXT NOT NULL,
        ran TEXT NOT NULL,
        result TEXT NOT NULL);
CREATE TABLE schemas (
        id TEXT PRIMARY KEY, display_name TEXT NOT NULL, json_schema TEXT NOT NULL);
INSERT INTO "schemas" VALUES('favourite','Favourite','{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"productSku": {"type": "string"}, "price": {"type": "number"}}, "required": ["productSku"]}');
CREATE INDEX contacts_by_email ON contacts (email_key);
CREATE INDEX contacts_by_phone ON contacts (phone_key);
CREATE INDEX contacts_by_social_security ON contacts (social_security_key);
CREATE INDEX contacts_by_custom_key ON contacts (custom_key);
CREATE INDEX contact_changes_by_time ON contact_changes (change, at);
CREATE INDEX newest ON interactions (contact_id, schema_id, created_date, seq);
CREATE INDEX shuffled ON interactions (contact_id, schema_id, id);
CREATE INDEX interactions_of_schema ON interactions (schema_id, created_date, contact_id);
CREATE INDEX timeline ON interactions (contact_id, created_date, seq);
CREATE INDEX incomplete ON arrivals (seq) WHERE outcome <> 'stored';
CREATE VIEW incomplete_arrivals AS SELECT * FROM arrivals WHERE outcome <> 'stored';
CREATE INDEX arrivals_of_interaction ON arrivals (interaction_id);
CREATE INDEX blobs_of_arrival ON blob_storage (arrival);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('interactions',2);
INSERT INTO "sqlite_sequence" VALUES('arrivals',5);
PRAGMA application_id = 1162757892;
