/** Who asks, as far as an address tells. */
import ipaddr from "ipaddr.js";

/** An IPv6 customer has a whole /64 at least, and could ask from a new address of it each time. */
const IPV6_PREFIX_PARTS = 4;

/** What is counted as one: the address, or of IPv6 its /64. */
export function clientOf(address: string): string {
	if (!ipaddr.isValid(address)) return address;
	const parsed = ipaddr.process(address);
	if (parsed instanceof ipaddr.IPv6)
		return `${parsed.parts
			.slice(0, IPV6_PREFIX_PARTS)
			.map((part) => part.toString(16))
			.join(":")}::/64`;
	return parsed.toString();
}
