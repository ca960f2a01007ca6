-- For the release of parked deliveries: those that wait for one receiver, the next one to be sent first.
DROP INDEX deliveries_parked;
CREATE INDEX deliveries_parked ON deliveries (parked_on, next_attempt_at) WHERE parked_on IS NOT NULL;

-- For sending an endpoint again what it missed since a given time. Without the deliveries of erased jobs, which cannot be sent.
DROP INDEX deliveries_missed;
CREATE INDEX deliveries_missed ON deliveries (tenant_id, endpoint_id, created_at)
    WHERE endpoint_id IS NOT NULL AND status IN ('exhausted', 'skipped') AND (event IS NOT NULL OR prune_at IS NULL);
