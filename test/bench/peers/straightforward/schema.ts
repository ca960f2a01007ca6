/** The tables of the straightforward peer, one statement each. */
export const SCHEMA = [
	`CREATE TABLE jobs (
		id TEXT PRIMARY KEY, status TEXT NOT NULL, input TEXT NOT NULL, webhook_url TEXT, result_key TEXT, error TEXT,
		created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL)`,
	"CREATE INDEX jobs_by_time ON jobs (created_at)",
	`CREATE TABLE deliveries (
		id TEXT PRIMARY KEY, job_id TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL,
		created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL)`,
	"CREATE INDEX deliveries_by_job ON deliveries (job_id)",
];
