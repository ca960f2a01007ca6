-- What an operator answers for: who changed what, what is left of a deleted tenant, which key sealed a secret. Rows of the
-- version before go on as they are.

-- Who did what to what, and when: written in the transaction of the act. Append-only, and the triggers below are the exact
-- rule. It names ids and nothing else, so the entries of a deleted tenant stay, as the operator's record of what was done.
CREATE TABLE audit_log (
    tenant_id TEXT NOT NULL,
    -- The request's id with another prefix: a request does one thing, and however often that is written, it is one entry.
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    -- The id of an API key, or `operator`.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    -- The id of what it was done to.
    target TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT, WITHOUT ROWID;

-- For the sweeper: entries whose time is over.
CREATE INDEX audit_log_to_prune ON audit_log (at);

CREATE TRIGGER audit_entries_never_change
BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'an audit entry never changes');
END;

-- 400 days, by the database's own clock.
CREATE TRIGGER audit_entries_stay
BEFORE DELETE ON audit_log
WHEN OLD.at > CAST(unixepoch('subsec') * 1000 AS INTEGER) - 34560000000
BEGIN
    SELECT RAISE(ABORT, 'an audit entry stays for 400 days');
END;

-- The first entry under an id is the one, also where a statement says OR REPLACE, which deletes without a trigger.
CREATE TRIGGER audit_entries_are_not_replaced
BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE tenant_id = NEW.tenant_id AND id = NEW.id)
BEGIN
    SELECT RAISE(IGNORE);
END;

-- A deleted tenant: unknown to everybody from then on, and erased by the sweeper, page by page. The row goes last.
ALTER TABLE tenants ADD COLUMN deleted_at INTEGER;

-- For the sweeper, and for every statement that must not serve a deleted tenant: it is empty but for them.
CREATE INDEX tenants_deleted ON tenants (deleted_at) WHERE deleted_at IS NOT NULL;

-- For whoever replaces SIGNING_KEY: secrets by the id of the key that sealed them, which stands after `v1.`.
CREATE INDEX tenant_secrets_by_key ON tenants (substr(webhook_secret, 4, 8));
CREATE INDEX previous_tenant_secrets_by_key ON tenants (substr(previous_webhook_secret, 4, 8))
    WHERE previous_webhook_secret IS NOT NULL;
CREATE INDEX endpoint_secrets_by_key ON webhook_endpoints (substr(secret, 4, 8));
CREATE INDEX previous_endpoint_secrets_by_key ON webhook_endpoints (substr(previous_secret, 4, 8))
    WHERE previous_secret IS NOT NULL;
