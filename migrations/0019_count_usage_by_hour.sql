-- What the jobs of a tenant have used, by the hour in which they became final and by their last model. The table usage keeps
-- the days from before.
CREATE TABLE usage_hours (
    tenant_id TEXT NOT NULL,
    -- Hours since 1970-01-01.
    hour INTEGER NOT NULL,
    -- Models of an hour beyond a hundred count as `other`.
    model TEXT NOT NULL,
    -- Jobs, by their final state.
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    expired INTEGER NOT NULL DEFAULT 0,
    prompt_tokens INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    total_tokens INTEGER NOT NULL DEFAULT 0,
    estimated_tokens INTEGER NOT NULL DEFAULT 0,
    -- How many of them waited how long from when they were due to their first lease: less than 0.1, 0.3, 1, 3, 10, 30, 100, 300,
    -- 1,000 and 3,000 seconds, and longer. Those that never started are in none.
    wait_0 INTEGER NOT NULL DEFAULT 0, wait_1 INTEGER NOT NULL DEFAULT 0, wait_2 INTEGER NOT NULL DEFAULT 0,
    wait_3 INTEGER NOT NULL DEFAULT 0, wait_4 INTEGER NOT NULL DEFAULT 0, wait_5 INTEGER NOT NULL DEFAULT 0,
    wait_6 INTEGER NOT NULL DEFAULT 0, wait_7 INTEGER NOT NULL DEFAULT 0, wait_8 INTEGER NOT NULL DEFAULT 0,
    wait_9 INTEGER NOT NULL DEFAULT 0, wait_10 INTEGER NOT NULL DEFAULT 0,
    -- And how long they took from there to their final state.
    run_0 INTEGER NOT NULL DEFAULT 0, run_1 INTEGER NOT NULL DEFAULT 0, run_2 INTEGER NOT NULL DEFAULT 0,
    run_3 INTEGER NOT NULL DEFAULT 0, run_4 INTEGER NOT NULL DEFAULT 0, run_5 INTEGER NOT NULL DEFAULT 0,
    run_6 INTEGER NOT NULL DEFAULT 0, run_7 INTEGER NOT NULL DEFAULT 0, run_8 INTEGER NOT NULL DEFAULT 0,
    run_9 INTEGER NOT NULL DEFAULT 0, run_10 INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, hour, model)
) STRICT, WITHOUT ROWID;

-- For the sweeper: hours past their retention. Only a new row writes to the index.
CREATE INDEX usage_hours_to_prune ON usage_hours (hour);

-- A job becomes final once, so it is counted once, whichever actor finalizes it.
DROP TRIGGER usage_on_finalize;
CREATE TRIGGER usage_on_finalize AFTER UPDATE OF finished_at ON jobs WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN INSERT INTO usage_hours (tenant_id, hour, model, succeeded, failed, cancelled, expired, prompt_tokens, completion_tokens, total_tokens, estimated_tokens, wait_0, wait_1, wait_2, wait_3, wait_4, wait_5, wait_6, wait_7, wait_8, wait_9, wait_10, run_0, run_1, run_2, run_3, run_4, run_5, run_6, run_7, run_8, run_9, run_10) SELECT NEW.tenant_id, NEW.finished_at / 3600000, iif(EXISTS (SELECT 1 FROM usage_hours WHERE tenant_id = NEW.tenant_id AND hour = NEW.finished_at / 3600000 AND model = NEW.model) OR (SELECT count(*) FROM (SELECT 1 FROM usage_hours WHERE tenant_id = NEW.tenant_id AND hour = NEW.finished_at / 3600000 LIMIT 100)) < 100, NEW.model, 'other'), NEW.status = 'succeeded', NEW.status = 'failed', NEW.status = 'cancelled', NEW.status = 'expired', coalesce(NEW.usage ->> 'promptTokens', 0), coalesce(NEW.usage ->> 'completionTokens', 0), coalesce(NEW.usage ->> 'totalTokens', 0), coalesce(NEW.usage ->> 'estimatedTokens', 0), wait = 0, wait = 1, wait = 2, wait = 3, wait = 4, wait = 5, wait = 6, wait = 7, wait = 8, wait = 9, wait = 10, run = 0, run = 1, run = 2, run = 3, run = 4, run = 5, run = 6, run = 7, run = 8, run = 9, run = 10 FROM (SELECT coalesce((waited >= 100) + (waited >= 300) + (waited >= 1000) + (waited >= 3000) + (waited >= 10000) + (waited >= 30000) + (waited >= 100000) + (waited >= 300000) + (waited >= 1000000) + (waited >= 3000000), -1) AS wait, coalesce((ran >= 100) + (ran >= 300) + (ran >= 1000) + (ran >= 3000) + (ran >= 10000) + (ran >= 30000) + (ran >= 100000) + (ran >= 300000) + (ran >= 1000000) + (ran >= 3000000), -1) AS run FROM (SELECT NEW.started_at - (NEW.deadline_at - NEW.deadline_ms) AS waited, NEW.finished_at - NEW.started_at AS ran)) WHERE TRUE ON CONFLICT (tenant_id, hour, model) DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed, cancelled = cancelled + excluded.cancelled, expired = expired + excluded.expired, prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens, estimated_tokens = estimated_tokens + excluded.estimated_tokens, wait_0 = wait_0 + excluded.wait_0, wait_1 = wait_1 + excluded.wait_1, wait_2 = wait_2 + excluded.wait_2, wait_3 = wait_3 + excluded.wait_3, wait_4 = wait_4 + excluded.wait_4, wait_5 = wait_5 + excluded.wait_5, wait_6 = wait_6 + excluded.wait_6, wait_7 = wait_7 + excluded.wait_7, wait_8 = wait_8 + excluded.wait_8, wait_9 = wait_9 + excluded.wait_9, wait_10 = wait_10 + excluded.wait_10, run_0 = run_0 + excluded.run_0, run_1 = run_1 + excluded.run_1, run_2 = run_2 + excluded.run_2, run_3 = run_3 + excluded.run_3, run_4 = run_4 + excluded.run_4, run_5 = run_5 + excluded.run_5, run_6 = run_6 + excluded.run_6, run_7 = run_7 + excluded.run_7, run_8 = run_8 + excluded.run_8, run_9 = run_9 + excluded.run_9, run_10 = run_10 + excluded.run_10; END;
