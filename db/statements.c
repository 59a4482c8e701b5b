#include "db/statements.h"

static const char *const TEXTS[] = {
#define STATEMENT_TEXT(name, text) [STATEMENT_##name] = text,
	STATEMENT_LIST(STATEMENT_TEXT)
#undef STATEMENT_TEXT
};
_Static_assert(sizeof(TEXTS) / sizeof(TEXTS[0]) == STATEMENT_COUNT, "a text for each statement");

const char *statement_text(enum statement id)
{
	return TEXTS[id];
}
