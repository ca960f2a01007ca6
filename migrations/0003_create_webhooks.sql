-- Receivers that a tenant registered, each with the events that it subscribes to. Read by the statements that start or
-- finalize a job, and by the dispatcher.
CREATE TABLE webhook_endpoints (
    tenant_id TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    -- Types, or families of them such as `job.*`.
    event_types TEXT NOT NULL CHECK (json_type(event_types) = 'array'),
    payload TEXT NOT NULL CHECK (payload IN ('full', 'thin')),
    status TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
    disabled_at INTEGER,
    disabled_reason TEXT CHECK (disabled_reason IN ('gone', 'failing')),
    -- AES-GCM under SIGNING_KEY, bound to tenant and endpoint, and its last characters, which may be shown.
    secret TEXT NOT NULL,
    secret_hint TEXT NOT NULL,
    -- The secret before the last rotation. It signs too until the given time.
    previous_secret TEXT,
    previous_secret_until INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT disabled_at_a_time_for_a_reason CHECK (
        (status = 'disabled') = (disabled_at IS NOT NULL) AND (status = 'disabled') = (disabled_reason IS NOT NULL)
    ),
    CONSTRAINT previous_secret_has_an_end CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL))
) STRICT, WITHOUT ROWID;

-- For the replacement of SIGNING_KEY: secrets by the id of the key that sealed them, which follows `v1.`.
CREATE INDEX endpoint_secrets_by_key ON webhook_endpoints (substr(secret, 4, 8));
CREATE INDEX previous_endpoint_secrets_by_key ON webhook_endpoints (substr(previous_secret, 4, 8))
    WHERE previous_secret IS NOT NULL;

-- The outbox: one row per event and receiver. Inserted in the transaction that starts or finalizes the job, sent by the
-- dispatcher, enqueued again by the sweeper.
CREATE TABLE deliveries (
    tenant_id TEXT NOT NULL,
    -- Derived from job, event and receiver: inserted twice, it is the same row. Also serves the list of deliveries of a job.
    id TEXT NOT NULL,
    -- Empty for an event that is not about a job.
    job_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    -- The content of an event that is not about a job. Null: it is read from the job when the event is sent.
    event TEXT CHECK (event IS NULL OR json_valid(event)),
    -- The registered endpoint. Null for the one-off webhook of the job itself.
    endpoint_id TEXT,
    url TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (payload IN ('full', 'thin')),
    -- What is paused together: the registered endpoint, or the origin of a one-off URL.
    receiver TEXT GENERATED ALWAYS AS (
        'receiver:' || tenant_id || ' ' || coalesce(endpoint_id, substr(url, 1, instr(substr(url, 9), '/') + 7))
    ) VIRTUAL,
    status TEXT NOT NULL,
    -- Attempts made so far: the fence of the record of the next one.
    attempts_made INTEGER NOT NULL DEFAULT 0,
    attempts TEXT NOT NULL DEFAULT '[]' CHECK (json_type(attempts) = 'array'),
    created_at INTEGER NOT NULL,
    next_attempt_at INTEGER,
    -- The last request to send it again, and the attempts made before that: its schedule starts over from there.
    restarted_at INTEGER,
    attempts_before INTEGER NOT NULL DEFAULT 0,
    -- The receiver whose breaker it waits for besides its time. Null: none.
    parked_on TEXT,
    -- When the sweeper enqueues it next: a little later than the queue should have delivered the message.
    sweep_at INTEGER,
    finished_at INTEGER,
    -- The retention of a record that outlives its job. Null while the record is pruned with the job.
    prune_at INTEGER,

    PRIMARY KEY (tenant_id, id),
    CONSTRAINT status_is_known CHECK (status IN ('pending', 'delivered', 'exhausted', 'skipped')),
    CONSTRAINT due_exactly_while_pending CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CONSTRAINT swept_exactly_while_pending CHECK ((status = 'pending') = (sweep_at IS NOT NULL)),
    CONSTRAINT finished_exactly_when_settled CHECK ((status = 'pending') = (finished_at IS NULL))
) STRICT, WITHOUT ROWID;

-- For the sweeper: pending deliveries, by when it should enqueue them.
CREATE INDEX deliveries_to_sweep ON deliveries (sweep_at) WHERE sweep_at IS NOT NULL;

-- For the sweeper: records of erased jobs.
CREATE INDEX deliveries_to_prune ON deliveries (prune_at) WHERE prune_at IS NOT NULL;

-- For the list of the deliveries of an endpoint.
CREATE INDEX deliveries_of_endpoint ON deliveries (tenant_id, endpoint_id, created_at) WHERE endpoint_id IS NOT NULL;

-- For sending an endpoint again what it missed since a given time.
CREATE INDEX deliveries_missed ON deliveries (tenant_id, endpoint_id, created_at)
    WHERE endpoint_id IS NOT NULL AND status IN ('exhausted', 'skipped');

-- For the release of parked deliveries: those that wait for one receiver, the oldest first.
CREATE INDEX deliveries_parked ON deliveries (parked_on, created_at) WHERE parked_on IS NOT NULL;

-- Receivers that fail. A healthy one has no row. Written only when an attempt fails, and by the first success after that.
CREATE TABLE receiver_breakers (
    -- As in `deliveries.receiver`. Deliveries that it gates are parked on the same key.
    key TEXT NOT NULL PRIMARY KEY,
    -- In a row.
    failures INTEGER NOT NULL,
    failing_since INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    -- No delivery is sent before. Then one is, and its reply decides. Null: the breaker is closed and counts failures.
    open_until INTEGER
) STRICT, WITHOUT ROWID;
