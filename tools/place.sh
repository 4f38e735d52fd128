#!/usr/bin/env bash
# Puts a built file where it is used, or removes what stands there when it was not built.
#   place.sh FROM TO
set -euo pipefail
from=$1 to=$2
if [ ! -e "$from" ]; then
    rm -f "$to"
elif ! cmp -s "$from" "$to"; then
    cp "$from" "$to.draft"
    mv "$to.draft" "$to" # in one step: it may be loaded right now
fi
