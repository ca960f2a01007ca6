/** For the operator, whose `apiKey` is ADMIN_TOKEN. */
import type { PageOptions } from "./account.ts";
import type { CallOptions, Http } from "./http.ts";
import { Pages } from "./pages.ts";
import type {
	ApiKey,
	ApiKeyList,
	AuditEntry,
	AuditEntryList,
	CreateApiKey,
	CreateTenant,
	NewApiKey,
	OperatorSession,
	Status,
	Tenant,
	TenantList,
	UpdateTenant,
} from "./schemas.ts";

type AdminPage = Omit<PageOptions, "order">;

const SESSION = "/v1/admin/session";
const TENANTS = "/v1/admin/tenants";

export class Admin {
	readonly #http: Http;

	constructor(http: Http) {
		this.#http = http;
	}

	async status(options: CallOptions = {}): Promise<Status> {
		return await this.#http.json({ method: "GET", path: "/v1/admin/status", ...options });
	}

	/** In a page of the service: the browser keeps a cookie for an hour, and this client needs no `apiKey`. */
	async signIn(token: string, options: CallOptions = {}): Promise<OperatorSession> {
		return await this.#http.json({ method: "POST", path: SESSION, body: { token }, ...options });
	}

	async signOut(options: CallOptions = {}): Promise<void> {
		await this.#http.send({ method: "DELETE", path: SESSION, ...options });
	}

	async session(options: CallOptions = {}): Promise<OperatorSession> {
		return await this.#http.json({ method: "GET", path: SESSION, ...options });
	}

	async createTenant(tenant: CreateTenant, options: CallOptions = {}): Promise<Tenant> {
		return await this.#http.json({ method: "POST", path: TENANTS, body: tenant, isOnce: true, ...options });
	}

	tenants(page: AdminPage = {}, { signal }: CallOptions = {}): Pages<Tenant> {
		return new Pages((after = page.after) =>
			this.#http.json<TenantList>({ method: "GET", path: TENANTS, query: { ...page, after }, signal }),
		);
	}

	async tenant(id: string, options: CallOptions = {}): Promise<Tenant> {
		return await this.#http.json({ method: "GET", path: pathOf(id), ...options });
	}

	async updateTenant(id: string, changes: UpdateTenant, options: CallOptions = {}): Promise<Tenant> {
		return await this.#http.json({ method: "PATCH", path: pathOf(id), body: changes, ...options });
	}

	/** Erases all data of the tenant. */
	async deleteTenant(id: string, options: CallOptions = {}): Promise<void> {
		await this.#http.delete(pathOf(id), options);
	}

	auditLog(id: string, page: PageOptions = {}, { signal }: CallOptions = {}): Pages<AuditEntry> {
		const path = `${pathOf(id)}/audit_log`;
		return new Pages((after = page.after) =>
			this.#http.json<AuditEntryList>({ method: "GET", path, query: { ...page, after }, signal }),
		);
	}

	async createKey(tenantId: string, key: CreateApiKey = {}, options: CallOptions = {}): Promise<NewApiKey> {
		const path = `${pathOf(tenantId)}/keys`;
		return await this.#http.json({ method: "POST", path, body: key, isOnce: true, ...options });
	}

	keys(tenantId: string, page: AdminPage = {}, { signal }: CallOptions = {}): Pages<ApiKey> {
		const path = `${pathOf(tenantId)}/keys`;
		return new Pages((after = page.after) =>
			this.#http.json<ApiKeyList>({ method: "GET", path, query: { ...page, after }, signal }),
		);
	}

	async revokeKey(id: string, options: CallOptions = {}): Promise<void> {
		await this.#http.send({ method: "DELETE", path: `/v1/admin/keys/${encodeURIComponent(id)}`, ...options });
	}
}

function pathOf(id: string): string {
	return `${TENANTS}/${encodeURIComponent(id)}`;
}
