/** Receivers' addresses as an attacker would write them, and as honest callers do: one table for every place that checks them. */

const INVALID = "This is not a valid URL.";
const SCHEME = "The URL must begin with https://.";
const MENDED = "The URL must not contain spaces, control characters or backslashes: percent-encode them.";
export const TOO_LONG = "The URL must not be longer than 2048 characters.";
export const USER = "The URL must not contain a user name or a password.";
export const PORT = "The URL's port must be 443 or 8443.";
export const ADDRESS = "The URL's host must be a name, not an IP address.";
export const PRIVATE_NAME = "The URL's host must be a public name.";
const SPELLING = "The URL's host must be made of letters, digits, hyphens and single dots.";
export const OWN = "The URL must not point at this service itself.";

/** What the service is called in tests of this table. */
export const OWN_URL = "https://holdfast.acme.workers.dev";

/** A URL of exactly `length` characters. */
const ofLength = (length: number) => "https://hooks.example.com/".padEnd(length, "a");

/** Problem → hosts that have it, between blanks. */
const REFUSED_HOSTS: [problem: string, hosts: string][] = [
	// This machine: plain, octal, hexadecimal, short, as one number, full-width and circled, with a dot, encoded.
	[ADDRESS, "127.0.0.1 127.0.0.2 127.255.255.254 0177.0.0.1 0x7f000001 0x7f.0.0.1 0x7F.1 127.1 127.0.1 2130706433"],
	[ADDRESS, "017700000001 0 0.0.0.0 0x0 ①②⑦.⓪.⓪.① 127。0。0。1 127．0．0．1 127｡0｡0｡1 １２７.0.0.1 127.0.0.1."],
	[ADDRESS, "%31%32%37.0.0.1"],
	// Where clouds keep credentials, in as many spellings.
	[ADDRESS, "169.254.169.254 2852039166 0xA9FEA9FE 0xa9.0xfe.0xa9.0xfe 0251.0376.0251.0376 169.254.43518"],
	[ADDRESS, "169.16689662 169.254.170.2 100.100.100.200 192.0.0.192 168.63.129.16 [fd00:ec2::254] [fd20:ce::254]"],
	// What IANA keeps from the public Internet, edges included, and literals that are public: no address is a name.
	[ADDRESS, "10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 192.168.255.255 100.64.0.1"],
	[ADDRESS, "100.127.255.254 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.254 198.51.100.1 203.0.113.1 224.0.0.1"],
	[ADDRESS, "239.255.255.255 240.0.0.1 255.255.255.255 4294967295 1.1.1.1 8.8.8.8 100.63.255.254 100.128.0.1"],
	[ADDRESS, "[2606:4700:4700::1111]"],
	// IPv6: unspecified, loopback, mapped, compatible, translated, NAT64, 6to4, Teredo, local, multicast, reserved.
	[ADDRESS, "[::] [::1] [0:0:0:0:0:0:0:1] [0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::FFFF:169.254.169.254]"],
	[ADDRESS, "[0:0:0:0:0:ffff:10.0.0.1] [::127.0.0.1] [::7f00:1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1]"],
	[ADDRESS, "[64:ff9b:1::1] [2002:7f00:1::] [2002:a9fe:a9fe::1] [2001::1] [2001:0:7f00:1::] [fe80::1] [fec0::1]"],
	[ADDRESS, "[fc00::1] [fdff::1] [ff02::1] [ff0e::1] [2001:db8::1] [3fff::1] [100::1] [5f00::1]"],
	[INVALID, "256.256.256.256 1.2.3.4.5 4294967296 127.0.0.1%00.example.com a%2fb.example.com 0x100000000 1.2.3.256"],
	[INVALID, "[fe80::1%25eth0] [:::1] [127.0.0.1] [::ffff:127.0.0.256] 08.8.8.8 a<b.example.com a^b.example.com"],
	[INVALID, "example.com:port example.com:-1 example.com:65536 example.com:99999"],
	[PRIVATE_NAME, "localhost LOCALHOST ⓛⓞⓒⓐⓛⓗⓞⓢⓣ ｌｏｃａｌｈｏｓｔ %6c%6f%63%61%6c%68%6f%73%74 l%6Fcalhost"],
	[PRIVATE_NAME, "local\u00adhost a.localhost metadata metadata.google.internal METADATA.google.INTERNAL"],
	[PRIVATE_NAME, "instance-data.ec2.internal x.local X.LOCAL printer.local x.home.arpa home.arpa x.onion x.test"],
	[
		PRIVATE_NAME,
		"x.alt hooks.x.alt 5.0.0.10.in-addr.arpa x.ip6.arpa x.invalid x.example intranet kubernetes.default.svc.cluster.local",
	],
	[SPELLING, "localhost. metadata.google.internal. hooks.example.com. a..example.com .example.com a_b.example.com"],
	[SPELLING, "_.example.com"],
	[
		SPELLING,
		`-a.example.com a-.example.com ${"a".repeat(64)}.com a!b.com *.a.com a'b.com $.com ${"a.".repeat(126)}com a+b.com`,
	],
	[OWN, "holdfast.acme.workers.dev HOLDFAST.acme.workers.dev v2-holdfast.acme.workers.dev"],
	[OWN, "neighbour.acme.workers.dev acme.workers.dev holdfast.acme.workers.dev:8443 holdfast.ac%6de.workers.dev"],
	[OWN, "holdfast。acme。workers。dev"],
	[PORT, "hooks.example.com:0 hooks.example.com:22 hooks.example.com:25 hooks.example.com:80"],
	[PORT, "hooks.example.com:0000025 hooks.example.com:444 hooks.example.com:6379 hooks.example.com:8080"],
	[PORT, "hooks.example.com:8787 hooks.example.com:65535"],
];

const REFUSED_FORMS: [problem: string, urls: string[]][] = [
	[INVALID, ["", "hooks.example.com", "//hooks.example.com", "/hook", "https://", "https:", "https://:443/"]],
	[INVALID, ["https://?x", "https://[::1", "https://::1/", "://hooks.example.com", "https://#", "null"]],
	[INVALID, ["https://[hooks.example.com]/"]],
	[MENDED, ["https://exa mple.com", " https://hooks.example.com", "https://hooks.example.com "]],
	[MENDED, ["https://exam\tple.com", "https://exam\nple.com", "https://hooks.example.com/\r\nHost: localhost"]],
	[MENDED, ["\u0001https://hooks.example.com", "https://hooks.example.com/\u007f", "ht\ntps://hooks.example.com/"]],
	[MENDED, ["https:\\\\hooks.example.com", "https://hooks.example.com\\@127.0.0.1/"]],
	[MENDED, ["http://hooks.example.com\\@127.0.0.1/", "https://127.0.0.1\\.example.com/"]],
	[SCHEME, ["http://hooks.example.com/", "HTTP://hooks.example.com/", "http://localhost/"]],
	[SCHEME, ["http://127.0.0.1:8787/v1/jobs", "http://127.0.0.1#@hooks.example.com/", "ftp://hooks.example.com/"]],
	[SCHEME, ["file:///etc/passwd", "data:text/plain,x", "javascript:alert(1)", "blob:https://hooks.example.com/1"]],
	[SCHEME, ["gopher://hooks.example.com/", "wss://hooks.example.com/", "dict://localhost:11211/", "ldap://localhost/"]],
	[SCHEME, ["about:blank", "mailto:a@example.com", "localhost:8787", "view-source:https://hooks.example.com/"]],
	[SCHEME, ["jar:https://hooks.example.com!/", "hooks.example.com:443"]],
	[ADDRESS, ["https://127.0.0.1#@hooks.example.com/", "https://127.0.0.1?@hooks.example.com/", "https:127.0.0.1"]],
	[ADDRESS, ["https:/[::1]/", "https:///127.0.0.1/", "https://127.0.0.1:8443/", "https://127.0.0.1:443/"]],
	[PORT, ["https://127.0.0.1:22/", "https://[::1]:8787/", "https://localhost:3000/", "https://169.254.169.254:80/"]],
	[USER, ["https://user@hooks.example.com/", "https://:password@hooks.example.com/"]],
	[USER, ["https://user:password@hooks.example.com/", "https://hooks.example.com@127.0.0.1/"]],
	[USER, ["https://hooks.example.com:443@localhost/", "https://%40@hooks.example.com/"]],
	[USER, ["https://127.0.0.1@hooks.example.com/", "https://a@b@hooks.example.com/"]],
	[TOO_LONG, [ofLength(2049), ofLength(20_000), `https://hooks.example.com/?${"é".repeat(700)}`]],
	[TOO_LONG, [`https://hooks.example.com/${"a/../".repeat(500)}`, `https://${"a".repeat(2_040)}.com/`]],
];

interface RefusedUrl {
	url: string;
	/** The message of the refusal. */
	problem: string;
}

export const REFUSED_URLS: readonly RefusedUrl[] = [
	...REFUSED_HOSTS.flatMap(([problem, hosts]) =>
		hosts.split(" ").map((host) => ({ url: `https://${host}/`, problem })),
	),
	...REFUSED_FORMS.flatMap(([problem, urls]) => urls.map((url) => ({ url, problem }))),
];

/** As given → as stored and called. */
export const ALLOWED_URLS: readonly { url: string; stored: string }[] = [
	["https://hooks.example.com", "https://hooks.example.com/"],
	["https://example.com:443/hook?token=a%20b", "https://example.com/hook?token=a%20b"],
	["https://example.com:8443/", "https://example.com:8443/"],
	["https:hooks.example.com/hook", "https://hooks.example.com/hook"],
	["HTTPS://Hooks.EXAMPLE.com/A/../B", "https://hooks.example.com/B"],
	["https://ex\u00adample.com/", "https://example.com/"],
	["https://bücher.example.org/", "https://xn--bcher-kva.example.org/"],
	["https://ｈooks.example.com/", "https://hooks.example.com/"],
	["https://hooks.example.com/%2e%2e/a/./b#part", "https://hooks.example.com/a/b#part"],
	["https://hooks.example.com/@127.0.0.1", "https://hooks.example.com/@127.0.0.1"],
	["https://hooks.example.com/?url=http://127.0.0.1/", "https://hooks.example.com/?url=http://127.0.0.1/"],
	["https://hooks.example.com/ü?ü", "https://hooks.example.com/%C3%BC?%C3%BC"],
	["https://localhost.example.com/", "https://localhost.example.com/"],
	["https://my.notlocal/", "https://my.notlocal/"],
	["https://1.2.3.4.example.com/", "https://1.2.3.4.example.com/"],
	["https://127.0.0.1.com/", "https://127.0.0.1.com/"],
	["https://a--b.example.com/", "https://a--b.example.com/"],
	["https://neighbour.other.workers.dev/", "https://neighbour.other.workers.dev/"],
	["https://notacme.workers.dev/", "https://notacme.workers.dev/"],
	[ofLength(2048), ofLength(2048)],
	// Names like any other: only the address that DNS gives for them tells.
	["https://169.254.169.254.nip.io/", "https://169.254.169.254.nip.io/"],
	["https://localtest.me/", "https://localtest.me/"],
].map(([url = "", stored = ""]) => ({ url, stored }));
