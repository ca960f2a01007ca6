-- What bounds a tenant: how many of its jobs may be in the queue or running, how many may be open, what it has used. Jobs
-- of the version before go on as they are: without a slot until they are leased next.

-- The tenant's id while the job may be in the queue or running: as many of a tenant's jobs hold one as it may have there.
-- Counted by the statements that give one, and kept in no counter, so that a dead consumer leaks none.
ALTER TABLE jobs ADD COLUMN slot TEXT CHECK (
    slot IS NULL OR (slot = tenant_id AND parked_on IS NULL AND status IN ('queued', 'running'))
);

-- The tenant's id while the job is not final, where the tenant has a limit of open jobs.
ALTER TABLE jobs ADD COLUMN open_in TEXT CHECK (
    open_in IS NULL OR (open_in = tenant_id AND status IN ('queued', 'running'))
);

-- For whoever gives a slot: those that are taken.
CREATE INDEX jobs_with_slot ON jobs (slot) WHERE slot IS NOT NULL;

-- For submissions of tenants with a limit of open jobs.
CREATE INDEX jobs_open ON jobs (open_in) WHERE open_in IS NOT NULL;

-- The limit could be set before anybody kept to it.
UPDATE jobs SET open_in = tenant_id
 WHERE sweep_at IS NOT NULL AND tenant_id IN (SELECT id FROM tenants WHERE limits ->> 'open_jobs' IS NOT NULL);

-- What a tenant's jobs have used, by the UTC day on which they ended and the model that answered or was asked last.
CREATE TABLE usage (
    tenant_id TEXT NOT NULL,
    -- Days since 1970-01-01.
    day INTEGER NOT NULL,
    model TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    succeeded INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, day, model)
) STRICT, WITHOUT ROWID;

-- A job ends once, so it is added up once, whoever ends it.
CREATE TRIGGER usage_on_finalize
AFTER UPDATE OF finished_at ON jobs
WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL
BEGIN
    INSERT INTO usage (tenant_id, day, model, jobs, succeeded, prompt_tokens, completion_tokens, total_tokens)
    VALUES (
        NEW.tenant_id, NEW.finished_at / 86400000, NEW.model, 1, NEW.status = 'succeeded',
        coalesce(NEW.usage ->> 'promptTokens', 0), coalesce(NEW.usage ->> 'completionTokens', 0),
        coalesce(NEW.usage ->> 'totalTokens', 0)
    )
    ON CONFLICT (tenant_id, day, model) DO UPDATE SET
        jobs = jobs + 1,
        succeeded = succeeded + excluded.succeeded,
        prompt_tokens = prompt_tokens + excluded.prompt_tokens,
        completion_tokens = completion_tokens + excluded.completion_tokens,
        total_tokens = total_tokens + excluded.total_tokens;
END;
