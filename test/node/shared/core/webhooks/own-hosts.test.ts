import { describe, expect, it } from "vitest";
import { ownHosts } from "../../../../../shared/core/webhooks/own-hosts.ts";

describe("ownHosts", () => {
	it("are all that the service is known to answer under", () => {
		const hosts = ownHosts(
			"https://jobs.acme.com/base",
			"http://127.0.0.1:8787",
			"https://JOBS.acme.net:8443/v1/jobs?a",
		);
		expect(hosts).toEqual(["jobs.acme.com", "127.0.0.1", "jobs.acme.net"]);
	});

	it("take in every Worker of the same account, and no other account's", () => {
		expect(ownHosts("https://holdfast.acme.workers.dev")).toEqual(["acme.workers.dev"]);
		expect(ownHosts("https://v2-holdfast.acme.workers.dev")).toEqual(["acme.workers.dev"]);
		expect(ownHosts("https://acme.workers.dev.example.com")).toEqual(["acme.workers.dev.example.com"]);
	});

	it("are none where nothing is known", () => {
		expect(ownHosts(null, "", "jobs")).toEqual([]);
	});
});
