-- Which keys are still in use, so that their owner dares to revoke the others.

-- The hour in which the key was last used, or when it was made if that was later: coarse, so that a busy key costs one row an
-- hour. Written by intake in the background. Null: not used since there is this column.
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
