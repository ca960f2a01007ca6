-- For the limit of the keys of a tenant: those in force. A key without an end counts as one that ends at 2^53.
CREATE INDEX api_keys_in_force ON api_keys (tenant_id, coalesce(expires_at, 9007199254740992)) WHERE revoked_at IS NULL;
