#!/bin/sh
# check_subject.sh FILE: fails where the first line of a commit message is empty or has more than 72 characters.
set -eu
subject=$(head -n 1 "$1")
length=$(printf %s "$subject" | LC_ALL=C.UTF-8 wc -m)
if [ "$length" -eq 0 ] || [ "$length" -gt 72 ]; then
    echo "expected a subject of 1 to 72 characters, found $((length)): $subject" >&2
    exit 1
fi
