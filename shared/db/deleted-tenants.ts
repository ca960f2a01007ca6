/**
 * Tenants that were deleted and are being erased. Each statement that must not serve one checks this partial index, which
 * is empty otherwise and costs nothing.
 */
export const DELETED_TENANTS = "(SELECT id FROM tenants WHERE deleted_at IS NOT NULL)";
