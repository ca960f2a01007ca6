-- How many calls a half-open breaker that was refused a call admits at once: it resumes with half, and adds one at a time. Null: it
-- was not refused since its first trip.
ALTER TABLE breakers ADD COLUMN calls_at_once REAL;
