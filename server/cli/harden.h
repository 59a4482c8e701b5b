/* What every command that holds secrets does first: no core dumps, no tracing by others, no SIGPIPE. */
#ifndef COFFER_CLI_HARDEN_H
#define COFFER_CLI_HARDEN_H

void harden_process(void);

#endif
