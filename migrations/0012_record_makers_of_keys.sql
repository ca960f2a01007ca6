-- The key that created this one. It ends when that one is revoked. Null: the operator created it, or it is older than this column.
ALTER TABLE api_keys ADD COLUMN made_by TEXT;
-- For the revocation of a key and of all keys that descend from it.
CREATE INDEX api_keys_by_maker ON api_keys (made_by) WHERE made_by IS NOT NULL;
