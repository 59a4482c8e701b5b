/* GET / and /assets/...: the browser page. Its files are part of the program. */
#include <stdio.h>
#include <string.h>

#include "server/api/call.h"
#include "server/api/conditional.h"
#include "server/api/web_files.h"

/*
 * The page runs its own files alone, talks to its own origin alone, and shows as pictures what it made itself (blob:).
 * It has no frames. An asset that is opened by itself is under the same rules.
 */
static const struct {
	const char *name, *value;
} HEADERS[] = {
	{"Content-Security-Policy",
	 "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
	 "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
	 "require-trusted-types-for 'script'; trusted-types 'none'"},
	{"Cross-Origin-Opener-Policy", "same-origin"},
	{"Referrer-Policy", "no-referrer"},
	{"X-Frame-Options", "DENY"},
	{"Permissions-Policy",
	 "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
	 "microphone=(), midi=(), payment=(), screen-wake-lock=(), usb=(), clipboard-read=(), clipboard-write=(self)"},
	/* Asked again each time, so that the files that run together are of one program; 304 is what that costs. */
	{"Cache-Control", "no-cache"},
};

static const struct web_file *find(const char *name)
{
	for (size_t i = 0; i < WEB_FILE_COUNT; i++) {
		if (strcmp(WEB_FILES[i].name, name) == 0)
			return &WEB_FILES[i];
	}
	return NULL;
}

static void reply_file(struct call *call, const char *name)
{
	const struct web_file *file = find(name);
	const char *known = http_header(call->x, "If-None-Match", NULL);

	if (!file) {
		call_refuse(call, CORE_NOT_FOUND);
		return;
	}
	if (known && etag_list_has(known, file->tag))
		http_reply_empty(call->x, 304);
	else
		http_reply_static(call->x, 200, file->media_type, file->bytes, file->size);
	http_reply_header(call->x, "ETag", "\"%s\"", file->tag);
	for (size_t i = 0; i < sizeof(HEADERS) / sizeof(HEADERS[0]); i++)
		http_reply_header(call->x, HEADERS[i].name, "%s", HEADERS[i].value);
}

static void index_finish(struct call *call)
{
	reply_file(call, "index.html");
}

static void asset_finish(struct call *call)
{
	const char *first = http_param(call->x, 0), *second = http_param(call->x, 1);
	char name[128];
	const int size = snprintf(name, sizeof(name), second ? "%s/%s" : "%s", first, second);

	if (size < 0 || (size_t)size >= sizeof(name))
		call_refuse(call, CORE_NOT_FOUND);
	else
		reply_file(call, name);
}

const struct api_steps PAGE_INDEX = {.finish = index_finish};
const struct api_steps PAGE_ASSET = {.finish = asset_finish};
