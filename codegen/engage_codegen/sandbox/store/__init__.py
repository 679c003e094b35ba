"""The data of the tenant: records, SQLite tables, queries and paging tokens."""
