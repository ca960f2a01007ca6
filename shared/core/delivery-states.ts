/**
 * The life of a delivery.
 *
 *     pending ──2xx───────────────────────▶ delivered
 *       │  ▲ └─no attempts left, or 410───▶ exhausted
 *       └──┘ └─its job was erased─────────▶ skipped
 *     next attempt
 */
export const DELIVERY_STATES = ["pending", "delivered", "exhausted", "skipped"] as const;

/**
 * - `pending`: owed. The dispatcher sends it; the sweeper rings when nobody did.
 * - `delivered`: the receiver answered 2xx. `exhausted`: it never did. `skipped`: there is nothing left to tell.
 */
export type DeliveryState = (typeof DELIVERY_STATES)[number];
