#include "server/json/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8 };

struct json {
	cJSON *open[DEPTH_MAX]; /* open[0] is the root */
	size_t depth;
	bool failed;
};

struct json *json_new(void)
{
	struct json *doc = calloc(1, sizeof(*doc));

	if (!doc)
		return NULL;
	doc->open[0] = cJSON_CreateObject();
	doc->failed = !doc->open[0];
	return doc;
}

void json_free(struct json *doc)
{
	if (!doc)
		return;
	cJSON_Delete(doc->open[0]);
	free(doc);
}

/* Takes `item`, also when it fails. */
static void add(struct json *doc, const char *name, cJSON *item)
{
	bool added = false;

	if (!doc->failed && item)
		added = name ? cJSON_AddItemToObject(doc->open[doc->depth], name, item)
			     : cJSON_AddItemToArray(doc->open[doc->depth], item);
	if (!added) {
		cJSON_Delete(item);
		doc->failed = true;
	}
}

void json_text(struct json *doc, const char *name, const char *value)
{
	if (doc)
		add(doc, name, cJSON_CreateString(value));
}

void json_number(struct json *doc, const char *name, uint64_t value)
{
	char text[24];

	if (!doc)
		return;
	if (value >> 53) {
		doc->failed = true;
		return;
	}
	/* cJSON would print fifteen digits, and nothing of the rest. */
	snprintf(text, sizeof(text), "%" PRIu64, value);
	add(doc, name, cJSON_CreateRaw(text));
}

void json_bool(struct json *doc, const char *name, bool value)
{
	if (doc)
		add(doc, name, cJSON_CreateBool(value));
}

static void open_item(struct json *doc, const char *name, cJSON *item)
{
	if (doc->depth + 1 == DEPTH_MAX)
		doc->failed = true;
	add(doc, name, item);
	if (!doc->failed)
		doc->open[++doc->depth] = item;
}

void json_open_array(struct json *doc, const char *name)
{
	if (doc)
		open_item(doc, name, cJSON_CreateArray());
}

void json_open_object(struct json *doc, const char *name)
{
	if (doc)
		open_item(doc, name, cJSON_CreateObject());
}

void json_close(struct json *doc)
{
	if (doc && doc->depth > 0)
		doc->depth--;
}

char *json_print(const struct json *doc, size_t *ret_size)
{
	char *text = doc && !doc->failed ? cJSON_PrintUnformatted(doc->open[0]) : NULL;

	if (text)
		*ret_size = strlen(text);
	return text;
}
