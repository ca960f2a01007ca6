/** A table. Where it is narrower than its columns need, each row becomes a card with the columns' labels. */
import type { ComponentChildren } from "preact";

export interface Column<Row> {
	id: string;
	label: string;
	cell(row: Row): ComponentChildren;
	/** Numbers end on one line. */
	isNumber?: boolean;
	/** In a card it stands on top, without its label. */
	isTitle?: boolean;
	/** In the head, instead of the label: a checkbox for all rows. */
	head?: ComponentChildren;
	/** No label is shown: for a checkbox, or buttons. */
	isBare?: boolean;
}

interface TableProps<Row> {
	/** What the rows are, for those who do not see the page. */
	caption: string;
	columns: Column<Row>[];
	rows: Row[];
	keyOf(row: Row): string;
	/** The row that the keys `j` and `k` are at. */
	currentKey?: string | null;
	isSelected?(row: Row): boolean;
	onRowClick?(row: Row, event: MouseEvent): void;
	/** While it is read for the first time: as many empty rows, so that nothing jumps. */
	isLoading?: boolean;
}

const SKELETON_ROWS = Array.from({ length: 8 }, (_, index) => index);

export function Table<Row>(props: TableProps<Row>) {
	const { caption, columns, rows, keyOf, isLoading = false } = props;
	return (
		<div class="table">
			<table aria-busy={isLoading}>
				<caption>{caption}</caption>
				<thead>
					<tr>
						{columns.map(({ id, label, isNumber, isBare, head }) => (
							<th key={id} scope="col" class={classes(isNumber && "number", `column-${id}`)}>
								{head ?? (isBare ? <span class="unseen">{label}</span> : label)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{isLoading
						? SKELETON_ROWS.map((index) => (
								<tr key={index} class="skeleton">
									{columns.map(({ id }) => (
										<td key={id}>
											<span />
										</td>
									))}
								</tr>
							))
						: rows.map((row) => <TableRow key={keyOf(row)} row={row} {...props} />)}
				</tbody>
			</table>
		</div>
	);
}

function TableRow<Row>({ row, columns, keyOf, currentKey, isSelected, onRowClick }: TableProps<Row> & { row: Row }) {
	const isCurrent = currentKey === keyOf(row);
	return (
		<tr
			data-key={keyOf(row)}
			aria-current={isCurrent ? "true" : undefined}
			class={classes(isSelected?.(row) && "selected")}
			onClick={(event) => onRowClick?.(row, event)}
		>
			{columns.map(({ id, label, cell, isNumber, isTitle, isBare }) => (
				<td
					key={id}
					data-label={isTitle || isBare ? undefined : label}
					class={classes(isNumber && "number", isTitle && "title", isBare && "bare", `column-${id}`)}
				>
					{cell(row)}
				</td>
			))}
		</tr>
	);
}

function classes(...names: (string | false | undefined)[]): string | undefined {
	return names.filter((name) => name).join(" ") || undefined;
}
