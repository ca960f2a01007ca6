/** A response body made while it is read. */

/** @param cancel called when the reader has gone: lets `chunks` end soon, whatever they wait for */
export function byteStream(
	chunks: AsyncGenerator<Uint8Array, unknown>,
	cancel: () => Promise<void> | void,
): ReadableStream<Uint8Array> {
	return new ReadableStream<Uint8Array>({
		async pull(controller) {
			const { value, done } = await chunks.next();
			if (done === true) controller.close();
			else controller.enqueue(value);
		},
		async cancel() {
			await cancel();
			await chunks.return(undefined);
		},
	});
}
