-- The breaker that all tenants of the upstream share, in the row of the breaker of one tenant. Null: this is a shared one.
ALTER TABLE breakers ADD COLUMN shared_key TEXT;
-- For the other tenants whose calls to the upstream fail as well.
CREATE INDEX breakers_of_tenants ON breakers (shared_key, open_until) WHERE shared_key IS NOT NULL;
-- The tenant that the last release of jobs parked on the shared key ended with, and the one that the release before it ended
-- with. Null: none was released yet.
ALTER TABLE breakers ADD COLUMN served_last TEXT;
ALTER TABLE breakers ADD COLUMN served_before TEXT;
