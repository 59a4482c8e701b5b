#include <stdio.h>

#include "server/api/call.h"
#include "server/core/metrics.h"

void call_alarm(struct call *call, const char *fault)
{
	char line[320], request[HTTP_REFERENCE_MAX];

	metrics_count(call->api->options.vault->metrics, METRIC_DECRYPTION_FAILED, 1);
	if (!call->api->options.log)
		return;
	http_reference(call->x, request);
	snprintf(line, sizeof(line), "a stored record does not verify (%s); %s, \"coffer check\" names it", fault,
		 request);
	call->api->options.log(line);
}
