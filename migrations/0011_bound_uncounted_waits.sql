-- The last success of a call that the breaker admitted while it was half-open. Null: none since the row was inserted.
ALTER TABLE breakers ADD COLUMN succeeded_at INTEGER;
-- Since when a job that has a further model waits for breakers of its present one. Null: it does not.
ALTER TABLE jobs ADD COLUMN waits_since INTEGER;
-- When a call of the job last failed and left a breaker of it open. Of the jobs parked on a breaker, these are released last. Null: never.
ALTER TABLE jobs ADD COLUMN probed_at INTEGER;
