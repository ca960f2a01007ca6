-- For the release of parked jobs whose calls failed as probes: those that wait for one key, each tenant apart, the earliest first.
CREATE INDEX jobs_probed ON jobs (parked_on, tenant_id, probed_at, id) WHERE probed_at IS NOT NULL;
