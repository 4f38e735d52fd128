#!/bin/sh
# Write the golden files again from their own first documents: sh tests/unit/operator/golden/renew.sh
set -eu
cd "$(dirname "$0")"
export PICKLEBALL_OPERATOR_IMAGE=op:1 PICKLEBALL_ENFORCE_IMAGE=enf:1 PICKLEBALL_GENERATE_IMAGE=gen:1
for file in *.yaml; do
    sed '/^---$/,$d' "$file" >"$file.new"
    rendered=$(../../../../.venv/bin/pickleball-operator render -f "$file.new")
    printf -- '---\n%s\n' "$rendered" >>"$file.new"
    mv "$file.new" "$file"
done
