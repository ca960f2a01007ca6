/** Where the bare insert goes, with which a submission is compared: one row, and nothing beside it. */
export const BARE_TABLE = "CREATE TABLE bare_inserts (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID";
