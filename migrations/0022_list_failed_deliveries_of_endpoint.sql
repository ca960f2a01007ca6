-- For the list of deliveries to an endpoint that failed. Without it, a page looks at all deliveries to the endpoint.
CREATE INDEX deliveries_failed_of_endpoint ON deliveries (tenant_id, endpoint_id, created_at)
    WHERE endpoint_id IS NOT NULL AND status IN ('exhausted', 'skipped');
