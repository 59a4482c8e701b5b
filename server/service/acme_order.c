#include "server/service/acme_order.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/tls/acme_challenge.h"
#include "server/tls/acme_child.h"

const char ACME_ORDER_NO_CLIENT[] =
	"certificates come by the program uacme, which is not on PATH: apt-get install uacme";

enum { FIXED_ARGUMENTS = 20, ENVIRONMENT_MAX = 16 };

/* Through which proxy the CA is reached; these go on to the client. */
static const char *const PROXIES[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};
static const char DETAIL[] = "\"detail\":";

struct run {
	const struct acme_order *order;
	char detail[ACME_CHILD_LINE_MAX + 1]; /* what the CA has said last of what is wrong */
	char last[ACME_CHILD_LINE_MAX + 1];   /* line of the client */
	bool account_exists;
};

bool acme_order_find_client(char *ret_path)
{
	const char *list = getenv("PATH");

	for (const char *at = list ? list : "/usr/bin"; *at;) {
		const size_t size = strcspn(at, ":");

		if (at[0] == '/' && snprintf(ret_path, PATH_MAX, "%.*s/uacme", (int)size, at) < PATH_MAX &&
		    access(ret_path, X_OK) == 0)
			return true;
		at += size + (at[size] == ':');
	}
	return false;
}

static void hear(void *arg, const char *line)
{
	struct run *run = arg;
	const char *detail = strstr(line, DETAIL);
	char text[ACME_CHILD_LINE_MAX + 16];

	if (detail)
		snprintf(run->detail, sizeof(run->detail), "%s", detail + sizeof(DETAIL) - 1);
	if (strncmp(line, "uacme: ", 7) == 0)
		snprintf(run->last, sizeof(run->last), "%s", line + 7);
	if (strstr(line, "Account already exists"))
		run->account_exists = true;
	snprintf(text, sizeof(text), "acme: %s", line);
	run->order->log(text);
}

/* ---- the client -------------------------------------------------------------------------------------------------- */

struct environment {
	const char *list[ENVIRONMENT_MAX];
	char *owned[ENVIRONMENT_MAX];
	size_t count;
};

static bool add(struct environment *environment, const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		return false;
	environment->owned[environment->count] = text;
	environment->list[environment->count++] = text;
	return true;
}

static bool make_environment(const struct acme_order *order, struct environment *ret_environment)
{
	bool good = add(ret_environment, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin") &&
		    add(ret_environment, "LC_ALL", "C") &&
		    add(ret_environment, "COFFER_ACME_CHALLENGES", order->files->challenges);

	for (size_t i = 0; i < sizeof(PROXIES) / sizeof(PROXIES[0]) && good; i++) {
		const char *value = getenv(PROXIES[i]);

		good = !value || add(ret_environment, PROXIES[i], value);
	}
	return good;
}

/* Of the client, with `action` and then `more`. */
static enum acme_child_end run_client(struct run *run, const char *action, const char *const *more, size_t more_count,
				      int *ret_code)
{
	const struct acme_order *order = run->order;
	char program[PATH_MAX];
	const char *const fixed[] = {program,
				     "-v",
				     "-y",
				     "-o",
				     "-f",
				     "-t",
				     "EC",
				     "-b",
				     "256",
				     "-c",
				     order->files->conf,
				     "-a",
				     order->url,
				     "-h",
				     order->files->hook,
				     action};
	const size_t fixed_count = sizeof(fixed) / sizeof(fixed[0]);
	const char **arguments = calloc(fixed_count + more_count + 1, sizeof(*arguments));
	struct environment environment = {.count = 0};
	enum acme_child_end end = ACME_CHILD_NEVER;

	_Static_assert(sizeof(PROXIES) / sizeof(PROXIES[0]) + 3 < ENVIRONMENT_MAX, "NULL ends the list");
	run->detail[0] = run->last[0] = '\0';
	if (!acme_order_find_client(program)) {
		snprintf(run->last, sizeof(run->last), "%s", ACME_ORDER_NO_CLIENT);
	} else if (!arguments || !make_environment(order, &environment)) {
		errno = ENOMEM;
	} else {
		memcpy(arguments, fixed, sizeof(fixed));
		memcpy(arguments + fixed_count, more, more_count * sizeof(*more));
		end = acme_child_run(&(struct acme_child_options){.arguments = arguments,
								  .environment = environment.list,
								  .limit_ms = order->limit_ms,
								  .stop_fd = order->stop_fd,
								  .line = hear,
								  .arg = run},
				     ret_code);
	}
	for (size_t i = 0; i < environment.count; i++)
		free(environment.owned[i]);
	free(arguments);
	return end;
}

static enum acme_order_end tell(const struct run *run, enum acme_child_end end, int code, char *ret_error,
				size_t error_size)
{
	switch (end) {
	case ACME_CHILD_EXITED:
		if (code == 0)
			return ACME_ORDER_ISSUED;
		snprintf(ret_error, error_size, "%s%s%s", run->last[0] ? run->last : "uacme failed and said nothing",
			 run->detail[0] ? ":" : "", run->detail);
		break;
	case ACME_CHILD_KILLED:
		snprintf(ret_error, error_size, "uacme was ended by signal %d", code);
		break;
	case ACME_CHILD_TOO_LONG:
		snprintf(ret_error, error_size,
			 "uacme took longer than --acme-timeout, and was ended; last it said: %s", run->last);
		break;
	case ACME_CHILD_STOPPED:
		return ACME_ORDER_STOPPED;
	case ACME_CHILD_NEVER:
		snprintf(ret_error, error_size, "%s", run->last[0] ? run->last : strerror(errno));
		break;
	}
	return ACME_ORDER_FAILED;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* An account that the CA knows is made out to be made by this: whose mark was lost. */
static enum acme_order_end make_account(struct run *run, struct files_error *error)
{
	const struct acme_order *order = run->order;
	int code = 0;
	const enum acme_child_end end = run_client(run, "new", &order->email, order->email[0] ? 1 : 0, &code);
	enum acme_order_end result = tell(run, end, code, error->text, error->size);

	if (result == ACME_ORDER_FAILED && end == ACME_CHILD_EXITED && run->account_exists)
		result = ACME_ORDER_ISSUED;
	if (result == ACME_ORDER_ISSUED && acme_files_set_account(order->files, order->email, error) != CORE_OK)
		result = ACME_ORDER_FAILED;
	return result;
}

/* A CA that does not take the new address still issues certificates: what it says stands in the log. */
static enum acme_order_end change_address(struct run *run, struct files_error *error)
{
	const struct acme_order *order = run->order;
	int code = 0;
	const enum acme_child_end end = run_client(run, "update", &order->email, order->email[0] ? 1 : 0, &code);

	if (end == ACME_CHILD_STOPPED)
		return ACME_ORDER_STOPPED;
	if (end == ACME_CHILD_EXITED && code == 0 &&
	    acme_files_set_account(order->files, order->email, error) != CORE_OK)
		return ACME_ORDER_FAILED;
	return ACME_ORDER_ISSUED;
}

static enum acme_order_end prepare_account(struct run *run, struct files_error *error)
{
	char address[ACME_FILES_ADDRESS_MAX];
	const enum core_status known = acme_files_account(run->order->files, address, error);

	if (known == CORE_NOT_FOUND)
		return make_account(run, error);
	if (known != CORE_OK)
		return ACME_ORDER_FAILED;
	return strcmp(address, run->order->email) == 0 ? ACME_ORDER_ISSUED : change_address(run, error);
}

enum acme_order_end acme_order_run(const struct acme_order *order, char *ret_error, size_t error_size)
{
	struct run run = {.order = order};
	struct files_error error = {ret_error, error_size};
	enum acme_order_end result = ACME_ORDER_FAILED;
	enum acme_child_end end;
	int code = 0;

	if (acme_files_link_hook(order->files, &error) != CORE_OK)
		return result;
	if (!acme_challenge_clear(order->files->challenges)) {
		snprintf(ret_error, error_size, "cannot empty %s: %s", order->files->challenges, strerror(errno));
		return result;
	}
	result = prepare_account(&run, &error);
	if (result != ACME_ORDER_ISSUED)
		return result;
	end = run_client(&run, "issue", order->domains, order->count, &code);
	result = tell(&run, end, code, ret_error, error_size);
	/* The CA may have forgotten the account. */
	if (result == ACME_ORDER_FAILED)
		acme_files_forget_account(order->files);
	else if (result == ACME_ORDER_ISSUED)
		acme_files_prune(order->files);
	return result;
}
