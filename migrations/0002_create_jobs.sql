-- One row per job. Submitted by intake, run by the consumer, swept and pruned by the sweeper.
CREATE TABLE jobs (
    tenant_id TEXT NOT NULL,
    -- Sorts by time of submission, so that the primary key also serves the list, newest first.
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    -- Grows with every change that a caller can see. The ETag.
    version INTEGER NOT NULL DEFAULT 1,

    -- The request, as submitted.
    models TEXT NOT NULL CHECK (json_type(models) = 'array'),
    input TEXT,
    input_key TEXT,
    input_bytes INTEGER NOT NULL CHECK (input_bytes >= 0),
    webhook TEXT CHECK (webhook IS NULL OR json_valid(webhook)),
    gateway TEXT CHECK (gateway IS NULL OR json_valid(gateway)),
    metadata TEXT CHECK (metadata IS NULL OR json_valid(metadata)),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9),
    timeout_ms INTEGER NOT NULL CHECK (timeout_ms > 0),
    max_attempts INTEGER NOT NULL CHECK (max_attempts > 0),
    retain_ms INTEGER NOT NULL CHECK (retain_ms >= 0),
    retry_of TEXT,
    -- Where the caller reached this service: links in webhooks start with it unless PUBLIC_URL says otherwise.
    origin TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The time allowed from submission, or from the first `run_at`, to a final state, and the moment at which it ends.
    deadline_ms INTEGER NOT NULL CHECK (deadline_ms > 0),
    deadline_at INTEGER NOT NULL,

    -- Progress.
    run_at INTEGER NOT NULL,
    -- The model of the next call, the call in flight, or the last one, and the credential scope of that call.
    model TEXT NOT NULL,
    credential TEXT NOT NULL,
    -- Counted attempts on that model, including the one in flight. A holder that makes no call takes its own back.
    attempt INTEGER NOT NULL DEFAULT 0,
    -- The number of the lease: grows with each one, and guards every later write of the holder.
    fence INTEGER NOT NULL DEFAULT 0,
    -- Who took the last lease: random per invocation, so that a holder can read back a write whose outcome is unknown.
    holder TEXT,
    leased_at INTEGER,
    lease_expires_at INTEGER,
    -- What the job waits for besides its time: `tenant:<id>`, or the key of the breaker that gates it. Null: nothing.
    parked_on TEXT,
    -- How often the sweeper enqueued the job again since it was last queued.
    redispatches INTEGER NOT NULL DEFAULT 0,
    -- When the sweeper looks at the job next. May be early, never late, so that leasing need not move it.
    sweep_at INTEGER,
    -- The concurrency slot: the id of the tenant while the job may be in the queue or running. The limit is enforced by
    -- counting these rows, not by a counter, so that a dead consumer leaks none.
    slot TEXT,
    -- The id of the tenant while the job is open, if the tenant has a limit of open jobs.
    open_in TEXT,
    -- One entry per model call: the first and the last 49.
    attempts TEXT NOT NULL DEFAULT '[]' CHECK (json_type(attempts) = 'array'),
    -- Tokens spent over all attempts. Null until a provider reports some.
    usage TEXT CHECK (usage IS NULL OR json_valid(usage)),
    started_at INTEGER,

    -- The final state.
    finished_at INTEGER,
    prune_at INTEGER,
    error TEXT CHECK (error IS NULL OR json_valid(error)),
    cancellation TEXT,
    result_bytes INTEGER,

    PRIMARY KEY (tenant_id, id),
    CONSTRAINT status_is_known CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')),
    CONSTRAINT input_is_in_one_place CHECK ((input IS NULL) <> (input_key IS NULL)),
    CONSTRAINT attempts_are_bounded CHECK (attempt BETWEEN 0 AND max_attempts + 1),
    CONSTRAINT deadline_follows_start CHECK (deadline_at > created_at),
    CONSTRAINT leased_exactly_while_running CHECK ((status = 'running') = (lease_expires_at IS NOT NULL)),
    CONSTRAINT holder_is_known_while_running CHECK (
        status <> 'running' OR (holder IS NOT NULL AND leased_at IS NOT NULL AND fence > 0)
    ),
    CONSTRAINT parked_only_while_queued CHECK (parked_on IS NULL OR status = 'queued'),
    CONSTRAINT slot_only_while_open CHECK (
        slot IS NULL OR (slot = tenant_id AND parked_on IS NULL AND status IN ('queued', 'running'))
    ),
    CONSTRAINT counted_only_while_open CHECK (
        open_in IS NULL OR (open_in = tenant_id AND status IN ('queued', 'running'))
    ),
    CONSTRAINT swept_exactly_until_final CHECK ((status IN ('queued', 'running')) = (sweep_at IS NOT NULL)),
    CONSTRAINT finished_exactly_when_final CHECK (
        (status IN ('succeeded', 'failed', 'cancelled', 'expired')) = (finished_at IS NOT NULL)
    ),
    CONSTRAINT pruned_only_when_final CHECK ((finished_at IS NULL) = (prune_at IS NULL)),
    CONSTRAINT result_exactly_when_succeeded CHECK ((status = 'succeeded') = (result_bytes IS NOT NULL)),
    CONSTRAINT error_exactly_when_it_went_wrong CHECK ((status IN ('failed', 'expired')) = (error IS NOT NULL)),
    CONSTRAINT cancellation_exactly_when_cancelled CHECK ((status = 'cancelled') = (cancellation IS NOT NULL)),
    CONSTRAINT cancellation_is_known CHECK (cancellation IS NULL OR cancellation IN ('before_start', 'in_flight'))
) STRICT, WITHOUT ROWID;

-- For the sweeper: open jobs, by when it should look at them.
CREATE INDEX jobs_to_sweep ON jobs (sweep_at) WHERE sweep_at IS NOT NULL;

-- For the sweeper: final jobs, by when their retention ends.
CREATE INDEX jobs_to_prune ON jobs (prune_at) WHERE prune_at IS NOT NULL;

-- For the release of parked jobs: those that wait for one key, the most urgent first.
CREATE INDEX jobs_parked ON jobs (parked_on, priority DESC, id) WHERE parked_on IS NOT NULL;

-- For the grant of a slot: those that are taken.
CREATE INDEX jobs_with_slot ON jobs (slot) WHERE slot IS NOT NULL;

-- For submissions of tenants with a limit of open jobs.
CREATE INDEX jobs_open ON jobs (open_in) WHERE open_in IS NOT NULL;

-- The last line of defence of the promise that a job becomes final once.
CREATE TRIGGER final_states_have_no_way_out BEFORE UPDATE OF status, finished_at, result_bytes ON jobs WHEN OLD.finished_at IS NOT NULL BEGIN SELECT RAISE(ABORT, 'a final job never changes'); END;

-- One row per Idempotency-Key in use. Apart from jobs, because it outlives an erased job: a replay must not run it again.
CREATE TABLE idempotency_keys (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of method, path and raw body.
    fingerprint TEXT NOT NULL,
    job_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- For the sweeper: keys older than their 24 hours.
CREATE INDEX idempotency_keys_to_prune ON idempotency_keys (expires_at);

-- What the jobs of a tenant have used, by the UTC day on which they became final and by their last model.
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

-- A job becomes final once, so it is counted once, whichever actor finalizes it.
CREATE TRIGGER usage_on_finalize AFTER UPDATE OF finished_at ON jobs WHEN OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL BEGIN INSERT INTO usage (tenant_id, day, model, jobs, succeeded, prompt_tokens, completion_tokens, total_tokens) VALUES (NEW.tenant_id, NEW.finished_at / 86400000, NEW.model, 1, NEW.status = 'succeeded', coalesce(NEW.usage ->> 'promptTokens', 0), coalesce(NEW.usage ->> 'completionTokens', 0), coalesce(NEW.usage ->> 'totalTokens', 0)) ON CONFLICT (tenant_id, day, model) DO UPDATE SET jobs = jobs + 1, succeeded = succeeded + excluded.succeeded, prompt_tokens = prompt_tokens + excluded.prompt_tokens, completion_tokens = completion_tokens + excluded.completion_tokens, total_tokens = total_tokens + excluded.total_tokens; END;

-- Upstreams in trouble or under observation. A healthy one has no row. Read by the lease statement, so that no consumer
-- calls a model that must be left alone. Written only when a call fails, and while its upstream recovers.
CREATE TABLE breakers (
    -- `credential:<credential>`, or `model:<credential>|<model>`. Jobs that it gates are parked on the same key.
    key TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason IN ('throttled', 'blocked', 'unavailable')),
    -- No call starts before. After that the breaker is half-open.
    open_until INTEGER NOT NULL,
    -- Calls that may start while it is half-open. Each success earns two more. Null: any number, it only observes.
    permits INTEGER CHECK (permits >= 1),
    -- Trips in a row, without a recovery in between.
    trips INTEGER NOT NULL,
    -- The last trip. A call that was leased before says nothing about what came after.
    tripped_at INTEGER NOT NULL,
    -- Calls seen to fail and to succeed since this observation began.
    failures INTEGER NOT NULL DEFAULT 0,
    successes INTEGER NOT NULL DEFAULT 0,
    observed_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
