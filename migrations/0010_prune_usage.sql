-- For the sweeper: usage past its retention. The day of a row never changes, so only a new row writes to the index.
CREATE INDEX usage_to_prune ON usage (day);
