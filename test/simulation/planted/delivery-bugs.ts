// biome-ignore-all lint/suspicious/noTemplateCurlyInString: patches quote the source, templates and all.
/** In what registered receivers are told, and in how those in trouble are left alone. */
import type { PlantedBug } from "./bugs.ts";

export const DELIVERY_BUGS: readonly PlantedBug[] = [
	{
		name: "a paused receiver is tried by whoever asks",
		file: "shared/db/receiver-pauses.ts",
		find: "WHERE until <= ${NOW} AND key IN (SELECT receiver",
		replace: "WHERE until IS NOT NULL AND key IN (SELECT receiver",
	},
	{
		name: "a probe lets a whole batch through",
		file: "shared/db/find-deliveries.ts",
		find: "ours.delete(receiver) || !kept.has(receiver)",
		replace: "ours.has(receiver) || !kept.has(receiver)",
	},
	{
		name: "a pause never ends",
		file: "shared/db/receiver-pauses.ts",
		find: "WHERE until <= ${NOW} AND key IN (SELECT receiver",
		replace: "WHERE until <= ${NOW} - 999999999 AND key IN (SELECT receiver",
	},
	{
		name: "a success does not end a pause",
		file: "shared/db/record-delivery.ts",
		find: "...(isReceived ? [unpauseReceiver(recorded(record, 1))] : []),",
		replace: "...(isReceived ? [unpauseReceiver(recorded({ ...record, attemptsMade: -5 }, 1))] : []),",
	},
	{
		name: "a failure is not counted",
		file: "shared/db/receiver-pauses.ts",
		find: "SET failures = failures + 1, failed_at",
		replace: "SET failures = failures, failed_at",
	},
	{
		name: "nobody lets parked deliveries go",
		file: "workers/sweeper/release-deliveries.ts",
		find: "await findParkedReceivers(db, RECEIVERS_MAX)",
		replace: "(await findParkedReceivers(db, RECEIVERS_MAX)).slice(0, 0)",
	},
	{
		name: "all parked deliveries go while the pause lasts",
		file: "shared/db/receiver-pauses.ts",
		find: "CASE WHEN until > ${NOW} THEN 0 WHEN until IS NOT NULL THEN 1 END",
		replace: "CASE WHEN until > ${NOW} THEN ?3 WHEN until IS NOT NULL THEN ?3 END",
	},
	{
		name: "all parked deliveries go when one is to try",
		file: "shared/db/receiver-pauses.ts",
		find: "WHEN until IS NOT NULL THEN 1 END",
		replace: "WHEN until IS NOT NULL THEN ?3 END",
	},
	{
		name: "a 410 does not disable",
		file: "workers/dispatcher/deliver.ts",
		find: "isGone: sent.status === 410",
		replace: "isGone: sent.status === 411",
	},
	{
		name: "a disabled endpoint is sent to",
		file: "workers/dispatcher/send-webhook.ts",
		find: 'return endpoint.status === "disabled" ? "its endpoint is disabled." : null;',
		replace: "return null;",
	},
	{
		name: "nobody hears that an endpoint is disabled",
		file: "shared/db/record-delivery.ts",
		find: "oweEndpointDisabled(db, { tenantId, endpointId }),",
		replace: "oweEndpointDisabled(db, { tenantId: endpointId, endpointId }),",
	},
	{
		name: "each 410 tells anew that an endpoint is disabled",
		file: "shared/db/owe-events.ts",
		find: "const what = \"substr(gone.id, 4) || '_disabled_' || gone.disabled_at\";",
		replace: "const what = `substr(gone.id, 4) || '_disabled_' || ${NOW}`;",
	},
	{
		name: "endpoints are owed after the end",
		file: "shared/db/finish-jobs.ts",
		find: "ends.flatMap((end) => [finishStatement(db, end), oweStatement(db, end)]),\n\t);",
		replace:
			'ends.flatMap((end) => [\n\t\t\tfinishStatement(db, end),\n\t\t\t{ ...oweStatement(db, end), sql: oweStatement(db, end).sql.replace(/UNION ALL[^]*?(?=ON CONFLICT)/, "") },\n\t\t]),\n\t);\n\tfor (const end of ends) await db.all(oweStatement(db, end));',
	},
	{
		name: "a disabled endpoint is owed",
		file: "shared/db/owe-events.ts",
		find: "iif(endpoint.status = 'enabled', 'pending', 'skipped'), ${NOW}, ${IF_ENABLED(NOW)},",
		replace: "'pending', ${NOW}, ${NOW},",
	},
	{
		name: "a start is owed at each lease",
		file: "shared/db/lease-jobs.ts",
		find: "AND jobs.holder = ?5 AND jobs.lease = 1`",
		replace: "AND jobs.holder = ?5`",
	},
	{
		name: "an old secret signs on that was to die",
		file: "workers/intake/rotation.ts",
		find: "? OVERLAP_MS : 0",
		replace: "? OVERLAP_MS : OVERLAP_MS / 2",
	},
	{
		name: "a kept secret does not sign",
		file: "workers/dispatcher/send-webhook.ts",
		find: "signedHeaders(secrets, delivery",
		replace: "signedHeaders(secrets.slice(0, 1), delivery",
	},
	{
		name: "an endpoint's webhooks are signed by its tenant",
		file: "workers/dispatcher/send-webhook.ts",
		find: "const sealed = endpoint?.sealedSecrets ?? sealedSecrets;",
		replace: "const sealed = sealedSecrets.length > 0 ? sealedSecrets : (endpoint?.sealedSecrets ?? []);",
	},
	{
		name: "a recovery forgets what was skipped",
		file: "shared/db/redeliver.ts",
		find: "AND status IN ('exhausted', 'skipped')",
		replace: "AND status IN ('exhausted')",
	},
	{
		name: "what is asked for again has used up its schedule",
		file: "shared/db/redeliver.ts",
		find: "restarted_at = ${NOW}, attempts_before = attempts_made,",
		replace: "restarted_at = ${NOW},",
	},
	{
		name: "enabling an endpoint leaves it paused",
		file: "shared/db/webhook-endpoints.ts",
		find: "const [, rows = []] = await db.batch<Record<string, unknown>>([\n\t\t{ sql: \"DELETE FROM receiver_pauses WHERE key = ?1 || ' ' || ?2\", params: [tenantId, endpointId] },\n\t\t{\n\t\t\tsql: `UPDATE",
		replace:
			"const [, rows = []] = await db.batch<Record<string, unknown>>([\n\t\t{ sql: \"SELECT 1 FROM receiver_pauses WHERE key = ?1 || ' ' || ?2\", params: [tenantId, endpointId] },\n\t\t{\n\t\t\tsql: `UPDATE",
	},
	{
		name: "a failure that another recorded counts anew",
		file: "shared/db/record-delivery.ts",
		find: "AND attempts_made = ?${from + 2}`",
		replace: "AND ?${from + 2} >= 0`",
	},
	{
		name: "each receiver is told under an id of its own",
		file: "shared/db/owe-events.ts",
		find: "jobs.id, 'evt_' || substr(jobs.id, 5) || '_' || ?2, ?3, NULL`;",
		replace: "jobs.id, 'evt_' || substr(jobs.id, 5) || '_' || ?2 || ${receiver}, ?3, NULL`;",
	},
];
