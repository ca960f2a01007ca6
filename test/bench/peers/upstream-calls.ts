/** What every peer asks of the model and of the receiver. */
export async function askModel(modelUrl: string, input: object): Promise<string> {
	const answer = await post(`${modelUrl}/chat/completions`, { model: "bench/model", ...input });
	if (!answer.ok) throw new Error(`the model answered ${answer.status}`);
	return await answer.text();
}

export async function postWebhook(url: string, data: { id?: string; status: string; result: unknown }): Promise<void> {
	const answer = await post(url, { type: `job.${data.status}`, data });
	await answer.body?.cancel();
	if (!answer.ok) throw new Error(`the receiver answered ${answer.status}`);
}

async function post(url: string, body: object): Promise<Response> {
	return await fetch(url, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify(body),
	});
}
