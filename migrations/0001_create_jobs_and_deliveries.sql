-- D1 is the truth and a queue message only a doorbell, so whatever must survive a crash stands in these tables.
--
-- Cost: D1 bills each row and each index entry that a statement adds or moves; an entry that merely leaves a partial
-- index is free. So tables have no rowid, few indexes, and indexes that hold only rows somebody still looks for.
-- Times are Unix milliseconds of the database's own clock. JSON columns hold what is only ever read whole.

-- Who owns jobs. Read by intake when a key is not in its cache, and by the dispatcher for the signing secret.
CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    limits TEXT NOT NULL CHECK (json_valid(limits)),
    -- Signs this tenant's one-off webhooks; AES-GCM under SIGNING_KEY, never in the clear.
    webhook_secret TEXT NOT NULL,
    -- The secret before the last rotation, which signs too until its time is over.
    previous_webhook_secret TEXT,
    previous_webhook_secret_until INTEGER,
    created_at INTEGER NOT NULL,
    CONSTRAINT previous_secret_has_an_end CHECK (
        (previous_webhook_secret IS NULL) = (previous_webhook_secret_until IS NULL)
    )
) STRICT, WITHOUT ROWID;

-- API keys, by the id that the key itself carries. Only a SHA-256 of the key is here: its reader cannot act as a caller.
CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    key_hash TEXT NOT NULL CHECK (length(key_hash) = 64),
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- For the list of a tenant's keys.
CREATE INDEX api_keys_of_tenant ON api_keys (tenant_id, id);

-- One row a job. Submitted by intake, moved by the consumer, swept and pruned by the sweeper.
CREATE TABLE jobs (
    tenant_id TEXT NOT NULL,
    -- Sorts by time of submission, so that the primary key also serves the list, newest first.
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    status_reason TEXT,
    -- Grows with every change that a caller can see; the ETag.
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
    -- From submission, or the first `run_at`, to a final state; and the time that makes.
    deadline_ms INTEGER NOT NULL CHECK (deadline_ms > 0),
    deadline_at INTEGER NOT NULL,

    -- Progress.
    run_at INTEGER NOT NULL,
    -- The model that will be asked next, is being asked, or answered; and the credential it is asked with.
    model TEXT NOT NULL,
    credential TEXT NOT NULL,
    -- Counted attempts on that model, the one in flight included. A holder that makes no call gives its own back.
    attempt INTEGER NOT NULL DEFAULT 0,
    -- The fence: grows with each lease, and every later write of the holder is guarded by it.
    fence INTEGER NOT NULL DEFAULT 0,
    -- Who took the last lease: random per invocation, to read back a write whose outcome is unknown.
    holder TEXT,
    leased_at INTEGER,
    lease_expires_at INTEGER,
    -- What the job waits for besides its time: the key of a cool-down. Null: nothing.
    parked_on TEXT,
    -- How often the sweeper rang for the job since it was last queued.
    redispatches INTEGER NOT NULL DEFAULT 0,
    -- When the sweeper looks at the job next. May be early, never late, so that leasing need not move it.
    sweep_at INTEGER,
    -- One entry a model call: the first and the last 49.
    attempts TEXT NOT NULL DEFAULT '[]' CHECK (json_type(attempts) = 'array'),
    -- Tokens spent over all attempts; null until somebody said.
    usage TEXT CHECK (usage IS NULL OR json_valid(usage)),
    started_at INTEGER,

    -- The end.
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

-- For the sweeper: jobs still under way, by when it should look at them.
CREATE INDEX jobs_to_sweep ON jobs (sweep_at) WHERE sweep_at IS NOT NULL;

-- For the sweeper: final jobs, by when their retention ends.
CREATE INDEX jobs_to_prune ON jobs (prune_at) WHERE prune_at IS NOT NULL;

-- For whoever lets parked jobs go: those that wait for one key, the most urgent first.
CREATE INDEX jobs_parked ON jobs (parked_on, priority DESC, id) WHERE parked_on IS NOT NULL;

-- The last line of defence of the promise that a job ends once.
CREATE TRIGGER final_states_have_no_way_out
BEFORE UPDATE OF status, finished_at, result_bytes ON jobs
WHEN OLD.finished_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'a final job never changes');
END;

-- One webhook owed. Written in the transaction that made the job final, sent by the dispatcher, rung by the sweeper.
CREATE TABLE deliveries (
    tenant_id TEXT NOT NULL,
    -- Derived from job, event and receiver: made twice, it is the same row. Also serves the list of a job's deliveries.
    id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    -- The registered endpoint; null for the job's own one-off webhook.
    endpoint_id TEXT,
    url TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (payload IN ('full', 'thin')),
    status TEXT NOT NULL,
    -- Attempts made so far: the fence of the next one's record.
    attempts_made INTEGER NOT NULL DEFAULT 0,
    attempts TEXT NOT NULL DEFAULT '[]' CHECK (json_type(attempts) = 'array'),
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    -- When the sweeper redispatches next: a little after the doorbell should have done.
    sweep_at INTEGER,
    finished_at INTEGER,
    -- When a record that outlives its job goes; null while it goes with the job.
    prune_at INTEGER,

    PRIMARY KEY (tenant_id, id),
    CONSTRAINT status_is_known CHECK (status IN ('pending', 'delivered', 'exhausted', 'skipped')),
    CONSTRAINT due_exactly_while_pending CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT swept_exactly_while_pending CHECK ((status = 'pending') = (sweep_at IS NOT NULL)),
    CONSTRAINT finished_exactly_when_settled CHECK ((status = 'pending') = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

-- For the sweeper: deliveries still owed, by when it should ring.
CREATE INDEX deliveries_to_sweep ON deliveries (sweep_at) WHERE sweep_at IS NOT NULL;

-- For the sweeper: records of erased jobs.
CREATE INDEX deliveries_to_prune ON deliveries (prune_at) WHERE prune_at IS NOT NULL;

-- One row per Idempotency-Key in use. Apart from jobs, because it outlives an erased one: a replay must not run it again.
CREATE TABLE idempotency_keys (
    tenant_id TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of method, path and raw body.
    fingerprint TEXT NOT NULL,
    job_id TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

-- For the sweeper: keys whose 24 hours are over.
CREATE INDEX idempotency_keys_to_prune ON idempotency_keys (expires_at);

-- Erased jobs, whose R2 objects are deleted once more in case a holder that had lost its lease wrote after the erasure.
-- One row names all jobs that went together, as [[tenant, job, input key or null], …].
CREATE TABLE tombstones (
    delete_at INTEGER NOT NULL,
    id TEXT NOT NULL,
    jobs TEXT NOT NULL CHECK (json_type(jobs) = 'array'),
    PRIMARY KEY (delete_at, id)
) STRICT, WITHOUT ROWID;

-- Upstreams in trouble, or under observation; what is healthy has no row. Read by the lease statement, so that a model
-- that said "later" is left alone by every consumer; written only when a call fails, and while its upstream recovers.
CREATE TABLE breakers (
    -- A credential, where its credential is blocked; or credential and model.
    key TEXT NOT NULL PRIMARY KEY,
    reason TEXT NOT NULL CHECK (reason IN ('throttled', 'blocked', 'unavailable')),
    -- Nobody calls before.
    until INTEGER NOT NULL,
    -- Calls that may start once it is over; each that succeeds earns two more. Null: any number.
    slots INTEGER CHECK (slots >= 1),
    -- Cool-downs in a row, without a recovery in between.
    trips INTEGER NOT NULL,
    -- When it last began. A call that was leased before says nothing about what came after.
    tripped_at INTEGER NOT NULL,
    -- Calls seen to fail and to succeed since this observation began.
    failures INTEGER NOT NULL DEFAULT 0,
    successes INTEGER NOT NULL DEFAULT 0,
    observed_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What the sweeper remembers from one sweep to the next, such as the last day whose orphaned inputs it reaped.
CREATE TABLE sweeper_notes (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
