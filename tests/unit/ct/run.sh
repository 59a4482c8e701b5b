#!/bin/sh
# Shows that the constant-time code is silent under memcheck, and that memcheck would have noticed a leak.
# Compiles what it needs with $CC (default cc) into a temporary folder. Exit 77: no valgrind, so nothing was tested.
set -eu

root=$(cd "$(dirname "$0")/../../.." && pwd)
cc=${CC:-cc}
if ! command -v valgrind >/dev/null; then
	echo "SKIPPED: no valgrind"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

build() { # name of the program, name of the result, further options
	source=$root/tests/unit/ct/ct_$1.c
	result=$work/$2
	shift 2
	"$cc" -std=gnu17 -D_GNU_SOURCE -O2 -gdwarf-4 -I"$root" "$@" "$source" "$root/crypto/eme.c" \
		"$root/crypto/modexp.c" "$root/crypto/modexp_ifma.c" "$root/crypto/secret.c" -o "$result" -lhogweed -lnettle -lgmp -lpthread
}

# expect RESULT STATUS COMPLAINT: memcheck exits 0 when it was silent, 99 when it was not.
expect() {
	status=0
	valgrind --quiet --error-exitcode=99 --track-origins=no "$work/$1" >"$work/$1.out" 2>"$work/$1.log" || status=$?
	if [ "$status" -ne "$2" ]; then
		cat "$work/$1.out" "$work/$1.log"
		echo "FAILED: $3 (exit $status)"
		exit 1
	fi
}

# try PROGRAM NAME [OPTION...]
try() {
	program=$1
	name=$2
	shift 2
	build "$program" clean "$@"
	build "$program" leaky -DPLANT_LEAK "$@"
	expect clean 0 "$name: the constant-time code depends on secrets, or answers wrongly"
	echo "ok: $name: silent as it is"
	expect leaky 99 "$name: the planted leak went unnoticed"
	echo "ok: $name: planted leak caught, $(grep -c 'depends on uninitialised' "$work/leaky.log") reports"
}

try oaep oaep
try modexp modexp
# memcheck knows no AVX-512: the same steps in portable C.
try modexp "modexp by vectors" -DMODEXP_IFMA_PORTABLE
