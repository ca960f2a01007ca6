-- D1 is the truth. A queue message only says which row to look at. Everything that must survive a crash is in these tables.
--
-- Cost: D1 bills each row and each index entry that a statement adds or moves. An entry that leaves a partial index is
-- free. So tables have no rowid and few indexes, and an index holds only the rows that some statement looks for.
-- Times are Unix milliseconds of the clock of the database. JSON columns hold what is only ever read whole.
--
-- D1 splits a migration into statements by rules of its own. So comments have neither apostrophes nor semicolons, and a
-- trigger is one line. A test holds that for every file.

-- The owners of jobs. Read by intake when a key is not in its cache, and by the dispatcher for the signing secret.
CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    limits TEXT NOT NULL CHECK (json_valid(limits)),
    -- Signs the one-off webhooks of this tenant. AES-GCM under SIGNING_KEY, never in the clear.
    webhook_secret TEXT NOT NULL,
    -- The secret before the last rotation. It signs too until the given time.
    previous_webhook_secret TEXT,
    previous_webhook_secret_until INTEGER,
    created_at INTEGER NOT NULL,
    -- From then on no statement serves the tenant, and the sweeper erases it page by page. This row goes last.
    deleted_at INTEGER,
    CONSTRAINT previous_secret_has_an_end CHECK (
        (previous_webhook_secret IS NULL) = (previous_webhook_secret_until IS NULL)
    )
) STRICT, WITHOUT ROWID;

-- For the sweeper, and for every statement that must not serve a deleted tenant. Holds deleted tenants only.
CREATE INDEX tenants_deleted ON tenants (deleted_at) WHERE deleted_at IS NOT NULL;

-- For the replacement of SIGNING_KEY: secrets by the id of the key that sealed them, which follows `v1.`.
CREATE INDEX tenant_secrets_by_key ON tenants (substr(webhook_secret, 4, 8));
CREATE INDEX previous_tenant_secrets_by_key ON tenants (substr(previous_webhook_secret, 4, 8))
    WHERE previous_webhook_secret IS NOT NULL;

-- API keys, by the id that the key itself carries. Only a SHA-256 of the key is stored: reading it lets no one act as a
-- caller.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL CHECK (length(key_hash) = 64),
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    -- The hour of the last use, or of the creation if that came later: coarse, so that a busy key costs one row an hour.
    -- Written by intake in the background. Null: never used.
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

-- For the list of the keys of a tenant.
CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, id);

-- One row per change that an operator or a tenant made, written in the transaction of the change. Append-only: the
-- triggers below are the exact rule. An entry holds ids and nothing else, so that those of a deleted tenant can stay as
-- the record of the operator.
CREATE TABLE audit_log (
    tenant_id TEXT NOT NULL,
    -- Derived from the id of the request, so that a retried write adds no second entry.
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- The id of an API key, or `operator`.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    -- The id of the changed object.
    target TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- For the sweeper: entries past their retention.
CREATE INDEX audit_log_to_prune ON audit_log (at);

CREATE TRIGGER audit_entries_never_change BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'an audit entry never changes'); END;

-- 400 days, by the clock of the database.
CREATE TRIGGER audit_entries_stay BEFORE DELETE ON audit_log WHEN OLD.at > CAST(unixepoch('subsec') * 1000 AS INTEGER) - 34560000000 BEGIN SELECT RAISE(ABORT, 'an audit entry stays for 400 days'); END;

-- The first entry under an id is kept, even against OR REPLACE, which deletes without firing a trigger.
CREATE TRIGGER audit_entries_are_not_replaced BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE tenant_id = NEW.tenant_id AND id = NEW.id) BEGIN SELECT RAISE(IGNORE); END;
