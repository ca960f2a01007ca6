/** Numbers as people read them. */

const WHOLE = new Intl.NumberFormat("en-US");
const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** "1,204". */
export const whole = (value: number): string => WHOLE.format(value);

/** "1.2K", "3.4M": for places too narrow for all digits. */
export const compact = (value: number): string => (value < 10_000 ? whole(value) : COMPACT.format(value));

/** "1 job", "1,204 jobs". */
export const counted = (value: number, one: string, many = `${one}s`): string =>
	`${whole(value)} ${value === 1 ? one : many}`;

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** "812 bytes", "1.5 MiB". */
export function bytes(value: number): string {
	const power = Math.min(UNITS.length - 1, value < 1 ? 0 : Math.floor(Math.log(value) / Math.log(1_024)));
	const scaled = value / 1_024 ** power;
	const text = power === 0 || scaled >= 100 ? String(Math.round(scaled)) : scaled.toFixed(1).replace(/\.0$/, "");
	return `${text} ${UNITS[power]}`;
}

/** "12.5%", "<0.1%". */
export function percent(part: number, of: number): string {
	if (of === 0 || part === 0) return "0%";
	const value = (100 * part) / of;
	if (value < 0.1) return "<0.1%";
	return `${value.toFixed(1).replace(/\.0$/, "")}%`;
}
