/**
 * The dashboard's page, at every address below `/dashboard`: its script shows what the address names. Its other files are served
 * by the platform, without the Worker.
 */
import { AppError } from "../../../shared/core/errors.ts";
import { newApp } from "../http/app.ts";
import { respondWithError } from "../http/errors.ts";

/** Scripts and styles of this origin alone, and no markup from strings. */
const CONTENT_SECURITY_POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"connect-src 'self'",
	"form-action 'self'",
	"base-uri 'none'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
].join("; ");

/** The platform serves those that exist. */
const FILE = /^\/dashboard\/assets(\/|$)|\.[^/]*$/;

export const dashboardRoutes = newApp()
	// No route: for programs, there is nothing.
	.use("/", async function leadBrowsers(c, next) {
		c.header("vary", "accept");
		if (c.req.method === "GET" && c.req.header("accept")?.includes("text/html")) return c.redirect("/dashboard");
		return await next();
	})
	.on("GET", ["/dashboard", "/dashboard/*"], async (c) => {
		// A page of an earlier deployment may ask for its files. As a page, they would not even be scripts.
		if (FILE.test(c.req.path)) return respondWithError(new AppError("not_found", "No such file. Reload the page."), c);
		const page = await c.env.services.loadDashboard();
		c.header("content-security-policy", CONTENT_SECURITY_POLICY);
		return c.html(page);
	});
