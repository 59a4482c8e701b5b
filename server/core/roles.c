#include "server/core/roles.h"

#include <string.h>

#include "server/core/account.h"

const struct named_scopes ROLES[] = {
	{"reader", SCOPE_RECORDS_READ}, {"writer", SCOPE_RECORDS_READ | SCOPE_RECORDS_WRITE},
	{"auditor", SCOPE_AUDIT},	{"administrator", SCOPE_ADMIN},
	{"partner", SCOPE_PARTNER},	{"emergency", SCOPE_RECORDS_READ | SCOPE_BREAK_GLASS},
	{"monitor", SCOPE_METRICS},
};
const size_t ROLE_COUNT = sizeof(ROLES) / sizeof(ROLES[0]);

const struct named_scopes SCOPES[] = {
	{"records:read", SCOPE_RECORDS_READ},
	{"records:write", SCOPE_RECORDS_WRITE},
	{"admin", SCOPE_ADMIN},
	{"partner", SCOPE_PARTNER},
	{"audit", SCOPE_AUDIT},
	{"break-glass", SCOPE_BREAK_GLASS},
	{"metrics", SCOPE_METRICS},
};
const size_t SCOPE_COUNT = sizeof(SCOPES) / sizeof(SCOPES[0]);

bool roles_add(const struct named_scopes *list, size_t count, const char *name, uint32_t *scopes)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0) {
			*scopes |= list[i].scopes;
			return true;
		}
	}
	return false;
}
