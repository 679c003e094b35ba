"""The SQLite tables of the tenant, and how those of an earlier version become the current ones."""

APPLICATION_ID = 0x454E4705  # "ENG" and the version of the tables

_CONTACT_PARTS = (
    "CREATE INDEX contacts_by_email ON contacts (email_key)",
    "CREATE INDEX contacts_by_phone ON contacts (phone_key)",
    "CREATE INDEX contacts_by_social_security ON contacts (social_security_key)",
    "CREATE INDEX contacts_by_custom_key ON contacts (custom_key)",
    """CREATE TABLE contact_changes (
        change TEXT NOT NULL,
        at TEXT NOT NULL,
        contact_id TEXT NOT NULL REFERENCES contacts ON DELETE CASCADE)""",
    "CREATE INDEX contact_changes_by_time ON contact_changes (change, at)",
)

_INCOMPLETE_PARTS = (
    """CREATE INDEX incomplete ON arrivals (seq, outcome, schema_id, contact_id, cause)
        WHERE outcome <> 'stored'""",
    "CREATE VIEW incomplete_arrivals AS SELECT * FROM arrivals WHERE outcome <> 'stored'",
)

TABLES = (
    # The keys are the values by which contacts are compared; see `contact_keys`. A deleted contact
    # stays, because its interactions may stay.
    """CREATE TABLE contacts (
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
        deleted TEXT)""",
    *_CONTACT_PARTS,
    """CREATE TABLE schemas (
        id TEXT PRIMARY KEY, display_name TEXT NOT NULL, json_schema TEXT NOT NULL)""",
    """CREATE TABLE interactions (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        contact_id TEXT NOT NULL REFERENCES contacts ON DELETE CASCADE,
        schema_id TEXT NOT NULL REFERENCES schemas ON DELETE CASCADE,
        created_date TEXT NOT NULL,
        arrived TEXT NOT NULL,
        payload TEXT NOT NULL)""",
    "CREATE INDEX newest ON interactions (contact_id, schema_id, created_date, seq)",
    "CREATE INDEX shuffled ON interactions (contact_id, schema_id, id)",
    "CREATE INDEX interactions_of_schema ON interactions (schema_id, created_date, contact_id)",
    "CREATE INDEX timeline ON interactions (contact_id, created_date, seq)",
    # Every POST of an interaction. There are no foreign keys, so that the record outlives the
    # schema and the contact. `violations` is JSON: [[rule, pointer, message], ...].
    """CREATE TABLE arrivals (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        arrived TEXT NOT NULL,
        outcome TEXT NOT NULL,
        interaction_id TEXT,
        error_code TEXT,
        violations TEXT NOT NULL,
        body BLOB NOT NULL,
        stored_payload TEXT,
        body_size INTEGER NOT NULL DEFAULT 0,
        schema_id TEXT,
        contact_id TEXT,
        cause TEXT NOT NULL DEFAULT '')""",
    *_INCOMPLETE_PARTS,
    "CREATE INDEX arrivals_of_interaction ON arrivals (interaction_id)",
    # `value` and `rules` are JSON.
    """CREATE TABLE blob_storage (
        arrival INTEGER NOT NULL REFERENCES arrivals,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        rules TEXT NOT NULL,
        reason TEXT NOT NULL)""",
    "CREATE INDEX blobs_of_arrival ON blob_storage (arrival)",
    "CREATE TABLE keys (key TEXT PRIMARY KEY)",
    # `value` is JSON. Every interaction triggers an automation without a schema.
    """CREATE TABLE automations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        schema_id TEXT,
        property TEXT,
        value TEXT,
        url TEXT)""",
    # There is no foreign key to the interaction, so that the run outlives it.
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        automation INTEGER NOT NULL REFERENCES automations ON DELETE CASCADE,
        interaction_id TEXT NOT NULL,
        contact_id TEXT NOT NULL,
        schema_id TEXT NOT NULL,
        ran TEXT NOT NULL,
        result TEXT NOT NULL)""",
)

MIGRATIONS = {
    0x454E4703: (
        "ALTER TABLE contacts ADD COLUMN email TEXT",
        "ALTER TABLE contacts ADD COLUMN mobile_phone TEXT",
        "ALTER TABLE contacts ADD COLUMN social_security_number TEXT",
        "ALTER TABLE contacts ADD COLUMN custom_key TEXT",
        "ALTER TABLE contacts ADD COLUMN contact_type TEXT NOT NULL DEFAULT 'Member'",
        "ALTER TABLE contacts ADD COLUMN email_key TEXT",
        "ALTER TABLE contacts ADD COLUMN phone_key TEXT",
        "ALTER TABLE contacts ADD COLUMN social_security_key TEXT",
        "ALTER TABLE contacts ADD COLUMN deleted TEXT",
        *_CONTACT_PARTS,
        # Nobody recorded when these contacts were created.
        """INSERT INTO contact_changes
        SELECT 'Created', '2020-01-01T00:00:00.000Z', id FROM contacts""",
    ),
    0x454E4704: (
        "DROP VIEW incomplete_arrivals",
        "DROP INDEX incomplete",
        "ALTER TABLE arrivals ADD COLUMN body_size INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE arrivals ADD COLUMN schema_id TEXT",
        "ALTER TABLE arrivals ADD COLUMN contact_id TEXT",
        "ALTER TABLE arrivals ADD COLUMN cause TEXT NOT NULL DEFAULT ''",
        *_INCOMPLETE_PARTS,
        """UPDATE arrivals SET body_size = length(body), schema_id = schema_of(body),
        contact_id = contact_of(body), cause = cause_of(violations, (
            SELECT json_group_array(json_array(name, json(rules)))
            FROM blob_storage WHERE arrival = arrivals.seq))""",
    ),
}
"""Application id of an earlier version -> the statements that lead to the next one."""
