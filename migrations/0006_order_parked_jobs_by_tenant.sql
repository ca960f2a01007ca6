-- For the release of parked jobs: those that wait for one key, each tenant apart, its most urgent first.
DROP INDEX jobs_parked;
CREATE INDEX jobs_parked ON jobs (parked_on, tenant_id, priority DESC, id) WHERE parked_on IS NOT NULL;
