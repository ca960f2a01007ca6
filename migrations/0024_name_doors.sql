-- The OpenAI-compatible route that a job came by: chat, or responses. Null: by a route of jobs.
ALTER TABLE jobs ADD COLUMN door TEXT;
-- Whether the caller wants it among the stored ones: 1 or 0. Null: the caller did not say.
ALTER TABLE jobs ADD COLUMN store INTEGER;
-- Why the answer ended, in its first choice: what a list shows of it without reading R2.
ALTER TABLE jobs ADD COLUMN finish TEXT;
-- 1: no response waits for the answer.
ALTER TABLE jobs ADD COLUMN background INTEGER;
