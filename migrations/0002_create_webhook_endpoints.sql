-- Registered receivers, and what keeps one in trouble from troubling others. Deliveries of the version before go on as
-- they are: each new column is null, or computed.

-- Receivers that a tenant registered: each is told of every event it asks for. Read by whatever ends or starts a job, and
-- by the dispatcher.
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
    -- AES-GCM under SIGNING_KEY, bound to tenant and endpoint; and the end of it, which may be shown.
    secret TEXT NOT NULL,
    secret_hint TEXT NOT NULL,
    -- The secret before the last rotation, which signs too until its time is over.
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

-- Receivers that fail; what is healthy has no row. Written only when an attempt fails, and when one succeeds after that.
CREATE TABLE receiver_breakers (
    -- As deliveries.receiver has it.
    key TEXT NOT NULL PRIMARY KEY,
    -- In a row.
    failures INTEGER NOT NULL,
    failing_since INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    -- Nobody sends before; then one does, whose answer decides. Null: not paused so far.
    until INTEGER
) STRICT, WITHOUT ROWID;

-- What an event says that is not about a job; null: the job says it, when the event is sent. `job_id` is empty then.
ALTER TABLE deliveries ADD COLUMN event TEXT CHECK (event IS NULL OR json_valid(event));

-- When it was last asked for again, and how many attempts had been made by then: its schedule begins anew there.
ALTER TABLE deliveries ADD COLUMN restarted_at INTEGER;
ALTER TABLE deliveries ADD COLUMN attempts_before INTEGER NOT NULL DEFAULT 0;

-- Whom it goes to: the registered endpoint, or the origin of a one-off URL, which are paused together.
ALTER TABLE deliveries ADD COLUMN receiver TEXT GENERATED ALWAYS AS (
    tenant_id || ' ' || coalesce(endpoint_id, substr(url, 1, instr(substr(url, 9), '/') + 7))
) VIRTUAL;

-- The receiver that it waits for besides its time. Null: none.
ALTER TABLE deliveries ADD COLUMN parked_on TEXT;

-- For the list of an endpoint's deliveries.
CREATE INDEX deliveries_of_endpoint ON deliveries (tenant_id, endpoint_id, created_at) WHERE endpoint_id IS NOT NULL;

-- For sending an endpoint again what it missed since a time, among all that it got.
CREATE INDEX deliveries_missed ON deliveries (tenant_id, endpoint_id, created_at)
    WHERE endpoint_id IS NOT NULL AND status IN ('exhausted', 'skipped');

-- For whoever lets parked deliveries go: those that wait for one receiver, the oldest first.
CREATE INDEX deliveries_parked ON deliveries (parked_on, created_at) WHERE parked_on IS NOT NULL;
