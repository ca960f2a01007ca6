/**
 * The life of a delivery.
 *
 *     pending ──2xx───────────────────────▶ delivered ─┐
 *     │  ▲  ▲ └─no attempts left, 410, old▶ exhausted ─┤
 *     └──┘  │ └─nobody to tell, or nothing▶ skipped ───┤
 *     next  └──────────────redeliver / recover─────────┘
 *     attempt
 */
export const DELIVERY_STATES = ["pending", "delivered", "exhausted", "skipped"] as const;

/**
 * - `pending`: owed. The dispatcher sends it; the sweeper redispatches when nobody did.
 * - `delivered`: the receiver answered 2xx. `exhausted`: it never did. `skipped`: its job
 *   was erased, or its endpoint was deleted or disabled. A caller may ask for each of them again.
 */
export type DeliveryState = (typeof DELIVERY_STATES)[number];
