-- Of a one-off URL without its query and fragment. A digest, because the path may be a secret, and breakers outlive their jobs.
-- Null: the delivery goes to an endpoint, or is older than this column.
ALTER TABLE deliveries ADD COLUMN url_digest TEXT;

-- What is paused together, instead of `receiver`: the registered endpoint, or a one-off URL. Of an old row, still its origin.
ALTER TABLE deliveries ADD COLUMN receiver_key TEXT GENERATED ALWAYS AS (
    'receiver:' || tenant_id || ' ' || coalesce(endpoint_id, url_digest, substr(url, 1, instr(substr(url, 9), '/') + 7))
) VIRTUAL;
