/* The text of GET /metrics, also for those who do not ask over the API. */
#ifndef COFFER_API_METRICS_H
#define COFFER_API_METRICS_H

#include <stddef.h>

struct api;
struct store_view;

/* view: the thread's own. To be freed with free(); NULL when memory runs out. */
char *api_metrics(struct api *api, struct store_view *view, size_t *ret_size);

#endif
