-- The open work of a tenant, as the sweeper counts it: at each minute, and the most of each hour. A tenant without open work has
-- no rows, but for one of zeros at the end of its last work.
CREATE TABLE backlog (
    tenant_id TEXT NOT NULL,
    -- How long the time is that the row is about: 1 or 60.
    minutes INTEGER NOT NULL CHECK (minutes IN (1, 60)),
    start_at INTEGER NOT NULL,
    -- When it was counted last.
    sampled_at INTEGER NOT NULL,
    open_jobs INTEGER NOT NULL,
    parked_jobs INTEGER NOT NULL,
    -- Queued, without a slot and not parked: their start or their retry is due later.
    later_jobs INTEGER NOT NULL,
    -- How long the queued job that has been due for the longest has waited. 0: none is due.
    oldest_ms INTEGER NOT NULL,
    pending_deliveries INTEGER NOT NULL,
    -- 1: the sweeper stopped counting before it had seen all open work.
    is_cut INTEGER NOT NULL CHECK (is_cut IN (0, 1)),
    -- Of an hour: how many jobs were queued for each model when it was counted last. Null: of a minute.
    models TEXT CHECK (models IS NULL OR json_type(models) = 'object'),
    PRIMARY KEY (tenant_id, minutes, start_at)
) STRICT, WITHOUT ROWID;

-- For the sweeper: rows past their retention, and the tenants that had open work a minute ago.
CREATE INDEX backlog_by_time ON backlog (minutes, start_at);
