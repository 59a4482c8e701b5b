/* Which Nettle runs. */
#ifndef COFFER_CRYPTO_LIBRARY_H
#define COFFER_CRYPTO_LIBRARY_H

/* The version that this was built with, and the one that runs: "3.8". */
void crypto_library(char ret_built[static 32], char ret_runs[static 32]);

#endif
