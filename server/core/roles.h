/* Roles and scopes by name. An account has roles, which are nothing but the scopes that they stand for. */
#ifndef COFFER_CORE_ROLES_H
#define COFFER_CORE_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct named_scopes {
	const char *name;
	uint32_t scopes;
};

/* reader, writer, auditor, administrator, partner, emergency, monitor */
extern const struct named_scopes ROLES[];
extern const size_t ROLE_COUNT;
/* records:read, records:write, admin, partner, audit, break-glass, metrics */
extern const struct named_scopes SCOPES[];
extern const size_t SCOPE_COUNT;

/* Adds what `name` stands for in a list; false when it is not there. */
bool roles_add(const struct named_scopes *list, size_t count, const char *name, uint32_t *scopes);

#endif
