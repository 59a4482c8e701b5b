#include "server/cli/admin_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool admin_ask(struct client *client, const char *method, const char *path, struct json *body, long status,
	       struct json_doc **ret_doc, struct complaint *complaint)
{
	struct client_request request = {.method = method, .path = path};
	struct client_reply reply = {0};
	char *text = body ? json_print(body, &request.size) : NULL;
	bool good = !body || text || complain(complaint, "out of memory");

	json_free(body);
	request.body = text;
	request.media_type = text ? "application/json" : NULL;
	good = good && client_send(client, &request, &reply, complaint->text, sizeof(complaint->text));
	free(text);
	if (good && reply.status != status)
		good = remote_refused(&reply, "asking", complaint);
	if (good && ret_doc && json_doc_parse(reply.body, reply.size, ret_doc) != JSON_DOC_OK)
		good = complain(complaint, "the server's answer is not what a coffer server says");
	client_reply_done(&reply);
	return good;
}

void admin_put_list(struct json *doc, const char *member, const char *list)
{
	json_open_array(doc, member);
	while (*list) {
		const size_t size = strcspn(list, ",");
		char item[64];

		snprintf(item, sizeof(item), "%.*s", (int)(size < 63 ? size : 63), list);
		remote_clean(item);
		json_item(doc, item);
		list += size + (list[size] == ',');
	}
	json_close(doc);
}

void admin_print_list(const struct json_value *array)
{
	const struct json_value *item = NULL;
	const char *text, *comma = "";
	size_t size;

	if (json_doc_array(array, 0, 64, &item) != JSON_DOC_OK)
		return;
	for (; item; item = json_doc_next(item)) {
		char shown[64];

		if (json_doc_string(item, 0, sizeof(shown) - 1, &text, &size) != JSON_DOC_OK)
			continue;
		memcpy(shown, text, size + 1);
		remote_clean(shown);
		printf("%s%s", comma, shown);
		comma = ",";
	}
}

void admin_text(const struct json_value *object, const char *name, char ret_text[static 256])
{
	const char *text;
	size_t size;

	strcpy(ret_text, "-");
	if (json_doc_string(json_doc_member(object, name), 0, 255, &text, &size) == JSON_DOC_OK)
		memcpy(ret_text, text, size + 1);
	remote_clean(ret_text);
}

int admin_report(bool good, const struct complaint *complaint)
{
	if (!good)
		fprintf(stderr, "coffer: %s\n", complaint->text);
	return good ? 0 : 1;
}
