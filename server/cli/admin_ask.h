/* One request of the administrator's, with JSON in and out. */
#ifndef COFFER_CLI_ADMIN_ASK_H
#define COFFER_CLI_ADMIN_ASK_H

#include "server/partner/remote.h"

struct client;

/*
 * body NULL: none; it is freed. The reply must have `status`; *ret_doc (may be NULL for a reply without a body) is then
 * its JSON. False with a complaint.
 */
bool admin_ask(struct client *client, const char *method, const char *path, struct json *body, long status,
	       struct json_doc **ret_doc, struct complaint *complaint);

/* Adds a list with commas between as an array. */
void admin_put_list(struct json *doc, const char *member, const char *list);

/* Prints the texts of an array with commas between. */
void admin_print_list(const struct json_value *array);

/* A member's text for a terminal, or "-". */
void admin_text(const struct json_value *object, const char *name, char ret_text[static 256]);

/* Prints an error unless `good`; the exit status. */
int admin_report(bool good, const struct complaint *complaint);

#endif
