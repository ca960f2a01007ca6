/**
 * Tenants that were deleted and are being erased. Statements that must not serve them check this partial index, which is
 * usually empty and then costs nothing.
 */
export const DELETED_TENANTS = "(SELECT id FROM tenants WHERE deleted_at IS NOT NULL)";
