/** A body that is read without a turn of the event loop, in which a test's clock might move. */
export function streamOf(text: string): ReadableStream<Uint8Array> {
	return new ReadableStream({
		type: "bytes",
		start(controller) {
			controller.enqueue(new TextEncoder().encode(text));
			controller.close();
		},
	});
}
