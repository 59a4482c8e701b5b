/* What every command that holds secrets does first: no core dumps, nothing in those that root makes, no tracing by
 * others, no SIGPIPE. */
#ifndef COFFER_CLI_HARDEN_H
#define COFFER_CLI_HARDEN_H

void harden_process(void);

#endif
